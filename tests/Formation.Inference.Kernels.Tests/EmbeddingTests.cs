using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests;

public sealed class EmbeddingTests
{
    [Fact]
    public void Each_id_gets_its_row()
    {
        var bytes = RandomRows.Quantized(TensorType.Q8_0, RandomRows.Values(5 * 64, seed: 1));
        using var buffer = new NativeBuffer(bytes.Length);
        bytes.CopyTo(buffer.Span(0, bytes.Length));
        var table = new WeightMatrix(buffer.Region, TensorType.Q8_0, 5, 64);
        var all = new float[5 * 64];
        Dequantizer.Row(TensorType.Q8_0, bytes, all);

        var y = new float[3 * 64];
        Embedding.Lookup(table, [4, 0, 4], y);
        Assert.Equal(all[256..], y[..64]);
        Assert.Equal(all[..64], y[64..128]);
        Assert.Equal(all[256..], y[128..]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    public void An_id_outside_the_table_is_refused(int id)
    {
        using var buffer = new NativeBuffer(5 * 34);
        var table = new WeightMatrix(buffer.Region, TensorType.Q8_0, 5, 32);
        Assert.Throws<ArgumentOutOfRangeException>(() => Embedding.Lookup(table, [id], new float[32]));
    }
}
