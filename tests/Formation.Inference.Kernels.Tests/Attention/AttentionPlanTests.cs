using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class AttentionPlanTests
{
    private static readonly KvLayout Layout = new(heads: 2, headSize: 32, blockSize: 16, KvFormat.F16);

    [Theory]
    [InlineData(0, 0, 0)] // no row
    [InlineData(1, 1, 0)] // a gap before it
    [InlineData(0, 1, -1)] // before the sequence
    [InlineData(0, 1, int.MaxValue)] // past what a position can be
    [InlineData(0, 17, 0)] // more positions than the block has
    public void A_slice_that_does_not_fit_is_refused(int firstRow, int rows, int position) => Assert.Throws<ArgumentException>(
        () => new AttentionPlan(heads: 2, Layout, blocks: 8).Add(new AttentionSlice(firstRow, rows, position, new[] { 0 })));

    [Theory]
    [InlineData(-1)]
    [InlineData(8)]
    public void A_block_that_does_not_exist_is_refused(int block) => Assert.Throws<ArgumentException>(
        () => new AttentionPlan(heads: 2, Layout, blocks: 8).Add(new AttentionSlice(0, 1, 0, new[] { block })));

    [Fact]
    public void Heads_that_do_not_divide_into_groups_are_refused() =>
        Assert.Throws<ArgumentException>(() => new AttentionPlan(heads: 5, Layout, blocks: 8));
}
