using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class KvMemoryTests
{
    [Theory]
    [InlineData(0, 64, 16, KvFormat.F16)]
    [InlineData(2, 0, 16, KvFormat.F16)]
    [InlineData(2, 257, 16, KvFormat.F16)]
    [InlineData(2, 64, 8, KvFormat.F16)]
    [InlineData(2, 64, 24, KvFormat.F16)]
    [InlineData(2, 40, 16, KvFormat.Q8_0)]
    [InlineData(2, 63, 16, KvFormat.F32)]
    public void A_layout_that_the_kernels_can_not_read_is_refused(int heads, int headSize, int blockSize, KvFormat format) =>
        Assert.ThrowsAny<ArgumentException>(() => new KvLayout(heads, headSize, blockSize, format));

    [Theory]
    [InlineData(KvFormat.F16, 3 * 2 * 32 * 64 * 2)]
    [InlineData(KvFormat.F32, 3 * 2 * 32 * 64 * 4)]
    [InlineData(KvFormat.Q8_0, 3 * 2 * 32 * (64 + 64 / 32 * 2))]
    public void A_block_takes_the_bytes_of_its_keys_and_values(KvFormat format, long bytes) =>
        Assert.Equal(bytes, new KvLayout(heads: 3, headSize: 64, blockSize: 32, format).BytesPerBlock);

    [Fact]
    public void The_memory_is_that_of_all_layers_blocks()
    {
        var layout = new KvLayout(2, 32, 16, KvFormat.F16);
        using var memory = new KvMemory(layout, layers: 3, blocks: 5);

        Assert.Equal(layout.BytesPerBlock * 15, memory.Bytes);
    }

    [Theory]
    [InlineData(2, 0, 0, 64)]
    [InlineData(0, 4, 0, 64)]
    [InlineData(0, 0, 16, 64)]
    [InlineData(0, 0, -1, 64)]
    [InlineData(0, 0, 0, 63)]
    public void Storing_outside_the_memory_is_refused(int layer, int block, int slot, int width)
    {
        using var memory = new KvMemory(new KvLayout(2, 32, 16, KvFormat.F16), layers: 2, blocks: 4);

        Assert.ThrowsAny<ArgumentException>(() => memory.Store(layer, block, slot, new float[width], new float[width]));
    }

    [Theory]
    [InlineData(KvFormat.F16, 65504)]
    [InlineData(KvFormat.Q8_0, 65504 * 127)]
    [InlineData(KvFormat.F32, float.MaxValue)]
    public void What_is_stored_is_finite(KvFormat format, float largest)
    {
        float[] source = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, .. new float[28]];
        float[] expected = [0, largest, -largest, largest, .. new float[28]];
        foreach (var path in KernelPaths.Available)
        {
            using var memory = new KvMemory(new KvLayout(1, 32, 16, format), layers: 1, blocks: 1);
            memory.Store(0, 0, 5, source, source, path);

            Assert.Equal(expected, Read(memory, slot: 5, isKey: true));
            Assert.Equal(expected, Read(memory, slot: 5, isKey: false));
        }
    }

    [Theory]
    [InlineData(KvFormat.F16, 64, 1e-3f)]
    [InlineData(KvFormat.F16, 36, 1e-3f)]
    [InlineData(KvFormat.Q8_0, 96, 2e-2f)]
    [InlineData(KvFormat.F32, 6, 0)]
    public void What_is_stored_is_read_back_within_its_rounding(KvFormat format, int headSize, float tolerance)
    {
        using var memory = new KvMemory(new KvLayout(1, headSize, 16, format), layers: 1, blocks: 1);
        var rows = Enumerable.Range(0, 32).Select(seed => RandomRows.Values(headSize, seed)).ToArray();
        for (var slot = 0; slot < 16; slot++)
            memory.Store(0, 0, slot, rows[2 * slot], rows[2 * slot + 1]);

        for (var slot = 0; slot < 16; slot++)
        {
            AssertNear(rows[2 * slot], Read(memory, slot, isKey: true), tolerance);
            AssertNear(rows[2 * slot + 1], Read(memory, slot, isKey: false), tolerance);
        }
    }

    [Theory]
    [InlineData(KvFormat.F16, 36)]
    [InlineData(KvFormat.Q8_0, 96)]
    [InlineData(KvFormat.F32, 6)]
    public void Every_path_stores_the_same_bytes(KvFormat format, int headSize)
    {
        byte[]? expected = null;
        foreach (var path in KernelPaths.Available)
        {
            using var memory = new KvMemory(new KvLayout(2, headSize, 16, format), layers: 1, blocks: 1);
            for (var slot = 0; slot < 16; slot++)
            {
                // From far below what the format resolves to far past its range.
                var scale = MathF.Pow(10, slot - 9);
                memory.Store(0, 0, slot, RandomRows.Values(2 * headSize, slot, scale), RandomRows.Values(2 * headSize, 99 - slot, scale), path);
            }
            var bytes = Bytes(memory);
            Assert.Equal(expected ??= bytes, bytes);
        }
    }

    [Fact]
    public void Storing_after_disposal_is_refused()
    {
        var memory = new KvMemory(new KvLayout(2, 32, 16, KvFormat.F16), layers: 2, blocks: 4);
        memory.Dispose();

        Assert.Throws<ObjectDisposedException>(() => memory.Store(0, 0, 0, new float[64], new float[64]));
    }

    private static unsafe float[] Read(KvMemory memory, int slot, bool isKey)
    {
        var layout = memory.Layout;
        var half = isKey ? memory.Keys(0, 0, 0, 0) : memory.Values(0, 0, 0, 0);
        return [.. Enumerable.Range(0, layout.HeadSize).Select(
            d => KvCodec.Read(layout, half, isKey ? layout.KeyIndex(d, slot) : layout.ValueIndex(slot, d), d, slot))];
    }

    private static unsafe byte[] Bytes(KvMemory memory) => new Span<byte>(memory.Keys(0, 0, 0, 0), (int)memory.Bytes).ToArray();

    private static void AssertNear(float[] expected, float[] actual, float tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - tolerance * MathF.Max(1, MathF.Abs(expected[i])), expected[i] + tolerance * MathF.Max(1, MathF.Abs(expected[i])));
    }
}
