using Formation.Inference.Kernels.Attention;

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

    [Fact]
    public void Storing_after_disposal_is_refused()
    {
        var memory = new KvMemory(new KvLayout(2, 32, 16, KvFormat.F16), layers: 2, blocks: 4);
        memory.Dispose();

        Assert.Throws<ObjectDisposedException>(() => memory.Store(0, 0, 0, new float[64], new float[64]));
    }
}
