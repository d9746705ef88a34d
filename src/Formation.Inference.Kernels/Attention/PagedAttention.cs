using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Causal attention over keys and values that lie in blocks: y = softmax(scale · q Kᵀ) V for each query head, where query heads share
/// KV heads in groups (Ainslie et al. 2023) and a sliding window may hide all but the last positions.
/// </summary>
/// <remarks>
/// A query sums its positions in tiles of 16 aligned to position 0, with a running maximum (Milakov and Gimelshein 2018). What it computes
/// depends on its own position and the stored values only, so neither the other rows of the step nor the place of its blocks changes a bit.
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
        var values = (long)plan.RowCount * plan.Heads * memory.Layout.HeadSize;
        if (queries.Length != values || y.Length != values)
            throw new ArgumentException($"the plan needs {values} values of queries and y, not {queries.Length} and {y.Length}");
        fixed (float* pq = queries, py = y)
            team.Run(new Job(memory, layer, plan, scale, window, pq, py, path), plan.TaskCount);
    }

    private readonly unsafe struct Job(
        KvMemory memory, int layer, AttentionPlan plan, float scale, int window, float* queries, float* y, KernelPath path) : IJob
    {
        public void Execute(int task, int worker) =>
            VectorKernel.Run(new AttentionTask(memory, layer, plan, task, scale, window, queries, y), path);
    }
}
