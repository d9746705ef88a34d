using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Tests.Memory;

public sealed class NativeBufferTests
{
    [Fact]
    public void New_memory_is_zero_and_what_is_written_is_read_back()
    {
        using var buffer = new NativeBuffer(1000);
        Assert.Equal(new byte[1000], buffer.Region.Span(0, 1000).ToArray());
        buffer.Span(990, 10).Fill(7);
        Assert.Equal(0, buffer.Region.Span(989, 1)[0]);
        Assert.Equal(7, buffer.Region.Span(999, 1)[0]);
    }

    [Fact]
    public void A_buffer_of_no_bytes_is_allowed_and_a_negative_one_is_not()
    {
        using var empty = new NativeBuffer(0);
        Assert.Equal(0, empty.Region.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer(-1));
    }

    [Fact]
    public void A_disposed_buffer_gives_no_memory()
    {
        var buffer = new NativeBuffer(8);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Region);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(0, 101)]
    [InlineData(100, 1)]
    [InlineData(101, 0)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(1, long.MaxValue)]
    public void A_part_that_does_not_lie_in_the_region_is_refused(long offset, long length)
    {
        using var buffer = new NativeBuffer(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Region.Slice(offset, length));
    }

    [Fact]
    public void A_part_of_a_part_starts_where_it_should()
    {
        using var buffer = new NativeBuffer(100);
        buffer.Span(42, 1)[0] = 9;
        Assert.Equal(9, buffer.Region.Slice(40, 60).Slice(2, 5).Span(0, 5)[0]);
        Assert.Equal(0, buffer.Region.Slice(100, 0).Length);
    }
}
