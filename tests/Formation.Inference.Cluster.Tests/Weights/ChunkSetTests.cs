using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Cluster.Tests.Weights;

public sealed class ChunkSetTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(13)]
    public void What_was_written_is_read_again(int count)
    {
        var set = new ChunkSet(count);
        set.Add(count - 1);
        set.Add(0);
        var read = ChunkSet.Parse(set.Bytes.Span, count);
        Assert.Equal(set.Chunks, read.Chunks);
        Assert.Equal(new[] { 0, count - 1 }.Distinct(), read.Chunks);
        read.Remove(0);
        Assert.False(read.Contains(0));
        Assert.Equal(count, ChunkSet.All(count).Count);
        Assert.Equal(ChunkSet.All(count).Chunks, ChunkSet.Parse(ChunkSet.All(count).Bytes.Span, count).Chunks);
    }

    [Theory]
    [InlineData(13, new byte[] { 1 })]
    [InlineData(13, new byte[] { 1, 1, 1 })]
    [InlineData(13, new byte[] { 0, 0b0010_0000 })]
    [InlineData(1, new byte[] { 2 })]
    public void A_set_of_other_chunks_than_the_model_has_is_refused(int count, byte[] bytes) =>
        Assert.Throws<InvalidDataException>(() => ChunkSet.Parse(bytes, count));

    [Theory]
    [InlineData(-1)]
    [InlineData(13)]
    public void A_chunk_that_the_model_does_not_have_is_in_no_set(int chunk)
    {
        var set = new ChunkSet(13);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Add(chunk));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Contains(chunk));
    }
}
