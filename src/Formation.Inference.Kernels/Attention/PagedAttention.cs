using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Causal attention over keys and values that lie in blocks: y = softmax(scale · q Kᵀ) V for each query head, where query heads share
/// KV heads in groups (Ainslie et al. 2023) and a sliding window may hide all but the last positions.
/// </summary>
/// <remarks>
/// What a query computes depends on its own position and the stored values only, in the order that <see cref="AttentionOrder"/> names: neither
/// the other rows of the step nor the place of its blocks nor the number of threads changes a bit.
/// </remarks>
public static class PagedAttention
{
    /// <summary>Computes the attention of every row of a plan.</summary>
    /// <param name="memory">Keys and values of all positions up to each query's are stored in it.</param>
    /// <param name="layer">Layer of the memory, from 0.</param>
    /// <param name="plan">The step's slices.</param>
    /// <param name="scale">Multiplies the scores, commonly 1/sqrt(headSize).</param>
    /// <param name="window">Positions that a query sees, its own included; 0 for all.</param>
    /// <param name="queries">Shape: (plan.RowCount, plan.Heads, headSize).</param>
    /// <param name="y">Shape of <paramref name="queries"/>; not the same memory.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <exception cref="ArgumentException">A length or an index does not fit.</exception>
    public static void Run(
        KvMemory memory, int layer, AttentionPlan plan, float scale, int window, ReadOnlySpan<float> queries, Span<float> y,
        WorkerTeam team) =>
        Run(memory, layer, plan, scale, window, queries, y, team, KernelPaths.Current);

    internal static unsafe void Run(
        KvMemory memory, int layer, AttentionPlan plan, float scale, int window, ReadOnlySpan<float> queries, Span<float> y,
        WorkerTeam team, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)memory.Layers);
        ArgumentOutOfRangeException.ThrowIfNegative(window);
        if (memory.Layout != plan.Layout)
            throw new ArgumentException($"the plan is made for {plan.Layout}, not for {memory.Layout}");
        var values = (long)plan.RowCount * plan.Heads * memory.Layout.HeadSize;
        if (queries.Length != values || y.Length != values)
            throw new ArgumentException($"the plan needs {values} values of queries and y, not {queries.Length} and {y.Length}");
        var schedule = plan.Schedule(team.Threads, window);
        fixed (float* pq = queries, py = y)
        {
            var call = new AttentionCall(memory, layer, plan, schedule, scale, window, pq, py);
            team.Run(new TaskJob(call, team, path), schedule.Parts.Length * memory.Layout.Heads);
            if (schedule.Folds.Length > 0)
                team.Run(new FoldJob(call, path), schedule.Folds.Length * memory.Layout.Heads);
        }
    }

    private readonly unsafe struct TaskJob(AttentionCall call, WorkerTeam team, KernelPath path) : IJob
    {
        public void Execute(int task, int worker)
        {
            var heads = call.Layout.Heads;
            fixed (float* scratch = team.Scratch(worker, AttentionScratch.Floats))
                VectorKernel.Run(new AttentionTask(call, task / heads, task % heads, scratch), path);
        }
    }

    private readonly struct FoldJob(AttentionCall call, KernelPath path) : IJob
    {
        public void Execute(int task, int worker) =>
            VectorKernel.Run(new AttentionFolding(call, task / call.Layout.Heads, task % call.Layout.Heads), path);
    }
}
