using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class AttentionScheduleTests
{
    private static readonly KvLayout Layout = new(heads: 2, headSize: 32, blockSize: 16, KvFormat.F16);

    // A prompt, a chunk of a prompt, generated rows, a few rows at once, all of them together.
    private static readonly (int Rows, int Position)[][] Steps =
    [
        [(600, 0)], [(100, 5000)], [(1, 700), (1, 0), (1, 40_000)], [(5, 9000)], [(1, 511), (300, 200), (1, 512), (7, 3000), (1, 20_000)],
    ];

    public static TheoryData<int, int, int> Cases()
    {
        var data = new TheoryData<int, int, int>();
        for (var step = 0; step < Steps.Length; step++)
        {
            foreach (var threads in new[] { 1, 2, 16, 200 })
            {
                foreach (var window in new[] { 0, 1000 })
                    data.Add(step, threads, window);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_query_gets_every_chunk_that_it_sees_in_one_task(int step, int threads, int window)
    {
        var plan = Plan(Steps[step]);
        var schedule = plan.Schedule(threads, window);

        var done = new HashSet<(int Slice, int Query, int Chunk)>();
        foreach (var part in schedule.Parts)
        {
            Assert.InRange(part.QueryCount, 1, AttentionSchedule.MaxQueries);
            for (var query = part.FirstQuery; query < part.FirstQuery + part.QueryCount; query++)
            {
                for (var chunk = part.FirstChunk; chunk < part.EndChunk; chunk++)
                    Assert.True(done.Add((part.Slice, query, chunk)));
            }
        }
        for (var slice = 0; slice < plan.Slices.Length; slice++)
        {
            var view = new AttentionView(plan.Slices[slice].FirstPosition, plan.GroupSize, window);
            for (var query = 0; query < plan.Slices[slice].RowCount * plan.GroupSize; query++)
            {
                for (var chunk = view.First(query) / AttentionOrder.ChunkPositions; chunk <= view.Position(query) / AttentionOrder.ChunkPositions; chunk++)
                    Assert.Contains((slice, query, chunk), done);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_several_tasks_compute_is_folded_from_records_of_its_own(int step, int threads, int window)
    {
        var plan = Plan(Steps[step]);
        var schedule = plan.Schedule(threads, window);

        var records = new HashSet<long>();
        for (var index = 0; index < schedule.Folds.Length; index++)
        {
            var fold = schedule.Folds[index];
            for (var head = 0; head < Layout.Heads; head++)
            {
                for (var chunk = fold.FirstChunk; chunk < fold.EndChunk; chunk++)
                {
                    for (var query = 0; query < fold.QueryCount; query++)
                        Assert.True(records.Add(fold.Record(head, chunk) + query));
                }
            }
            var chunks = schedule.Parts.ToArray().Where(part => part.Fold == index).Sum(part => part.EndChunk - part.FirstChunk);
            Assert.Equal(fold.EndChunk - fold.FirstChunk, chunks);
        }
        Assert.All(schedule.Parts.ToArray(), part => Assert.InRange(part.Fold, -1, plan.Schedule(threads, window).Folds.Length - 1));
    }

    [Fact]
    public void The_longest_tasks_come_first()
    {
        var costs = Plan(Steps[0]).Schedule(threads: 4, window: 0).Parts.ToArray().Select(part => part.Cost).ToArray();

        Assert.True(costs.Length > 4);
        Assert.Equal(costs.OrderDescending(), costs);
    }

    [Fact]
    public void A_long_sequence_is_shared_where_there_are_more_threads_than_heads()
    {
        Assert.Equal(0, Plan([(1, 16_000)]).Schedule(threads: 1, window: 0).Folds.Length);
        Assert.InRange(Plan([(1, 16_000)]).Schedule(threads: 8, window: 0).Parts.Length, 16, 64);
        // There is nothing to share in what a window leaves.
        Assert.Equal(0, Plan([(1, 15_999)]).Schedule(threads: 8, window: 128).Folds.Length);
    }

    [Fact]
    public void The_tasks_are_cut_anew_where_the_plan_or_the_call_changes()
    {
        var plan = Plan([(1, 16_000)]);
        Assert.Equal(1, plan.Schedule(threads: 1, window: 0).Parts.Length);
        Assert.InRange(plan.Schedule(threads: 8, window: 0).Parts.Length, 2, 100);
        Assert.Equal(1, plan.Schedule(threads: 8, window: 10).Parts.Length);
        plan.Add(new AttentionSlice(1, 1, 0, new int[1]));
        Assert.Equal(2, plan.Schedule(threads: 8, window: 10).Parts.Length);
        plan.Clear();
        Assert.Equal(0, plan.Schedule(threads: 8, window: 10).Parts.Length);
    }

    private static AttentionPlan Plan((int Rows, int Position)[] slices)
    {
        var plan = new AttentionPlan(heads: 6, Layout, blocks: 1);
        foreach (var (rows, position) in slices)
            plan.Add(new AttentionSlice(plan.RowCount, rows, position, new int[(position + rows - 1) / Layout.BlockSize + 1]));
        return plan;
    }
}
