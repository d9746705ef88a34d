using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class AttentionPlanTests
{
    private static readonly KvLayout Layout = new(heads: 2, headSize: 32, blockSize: 16, KvFormat.F16);

    [Fact]
    public void Every_query_of_every_head_is_in_one_task()
    {
        var plan = new AttentionPlan(heads: 6, Layout, blocks: 8);
        plan.Add(new AttentionSlice(0, 7, 0, new[] { 0 }));
        plan.Add(new AttentionSlice(7, 1, 20, new[] { 1, 2 }));

        var queries = new List<(int Row, int Head)>();
        for (var task = 0; task < plan.TaskCount; task++)
        {
            var (slice, kvHead, first) = plan.TaskAt(task);
            for (var query = first; query < Math.Min(first + AttentionPlan.TaskQueries, slice.RowCount * plan.GroupSize); query++)
                queries.Add((slice.FirstRow + query / plan.GroupSize, kvHead * plan.GroupSize + query % plan.GroupSize));
        }

        Assert.Equal(from row in Enumerable.Range(0, 8) from head in Enumerable.Range(0, 6) select (row, head), queries.Order());
    }

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
