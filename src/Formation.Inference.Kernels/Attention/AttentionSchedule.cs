using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// How a step's attention is cut into tasks: the longest first, so that the threads end together, and where few queries see many positions,
/// several tasks for the same queries (Dao et al. 2023, "Flash-Decoding"), whose results are folded when all are done.
/// </summary>
/// <remarks>
/// The cut depends on the number of threads; results do not, because chunks are always computed by themselves. The records of the folds take
/// at most a twentieth of what a layer's keys and values take.
/// </remarks>
internal sealed class AttentionSchedule
{
    /// <summary>The most queries of a task: they share each conversion of keys and values.</summary>
    public const int MaxQueries = 10 * MinQueries;

    /// <summary>Fewer queries share too little. A multiple of the row groups of all vector widths.</summary>
    private const int MinQueries = 24;

    // So many that the threads end at nearly the same time.
    private const int TasksPerThread = 8;

    // Reading and converting a position costs about as much as the products of so many queries.
    private const int ReadCost = 4;

    private static readonly Comparison<AttentionPart> LongestFirst = (left, right) => right.Cost.CompareTo(left.Cost);

    private readonly List<AttentionPart> _parts = [];
    private readonly List<AttentionFold> _folds = [];
    private (int Threads, int Window) _arrangedFor;
    private NativeBuffer _records = new(0);
    private long _recordCount;

    /// <summary>The tasks of one KV head.</summary>
    public ReadOnlySpan<AttentionPart> Parts => CollectionsMarshal.AsSpan(_parts);

    /// <summary>What is folded when all tasks are done, for one KV head.</summary>
    public ReadOnlySpan<AttentionFold> Folds => CollectionsMarshal.AsSpan(_folds);

    /// <summary>Room for the records of all folds.</summary>
    public unsafe float* Records => (float*)_records.Region.Pointer;

    /// <summary>Makes the next call of <see cref="Arrange"/> cut anew.</summary>
    public void Invalidate() => _arrangedFor = default;

    /// <summary>Cuts a plan for a number of threads and a window; does nothing where that is how it is cut.</summary>
    public void Arrange(AttentionPlan plan, int threads, int window)
    {
        if (_arrangedFor == (threads, window))
            return;
        _parts.Clear();
        _folds.Clear();
        _recordCount = 0;

        long total = 0;
        foreach (var slice in plan.Slices)
            total += Cost(View(plan, slice, window), 0, slice.RowCount * plan.GroupSize);
        var tasks = threads == 1 ? 1 : (long)threads * TasksPerThread;
        var target = Math.Max(1, total * plan.Layout.Heads / tasks);
        for (var slice = 0; slice < plan.Slices.Length; slice++)
            Cut(plan, slice, window, target);
        _parts.Sort(LongestFirst);

        var bytes = checked(_recordCount * AttentionFold.RecordFloats(plan.Layout) * sizeof(float));
        if (_records.Length < bytes)
        {
            _records.Dispose();
            _records = new NativeBuffer(bytes);
        }
        _arrangedFor = (threads, window);
    }

    private void Cut(AttentionPlan plan, int sliceIndex, int window, long target)
    {
        var slice = plan.Slices[sliceIndex];
        var view = View(plan, slice, window);
        var queries = slice.RowCount * plan.GroupSize;
        var wanted = Math.Max(Cost(view, 0, queries) / target, DivideUp(queries, MaxQueries));
        var size = (int)Math.Max(DivideUp(DivideUp(queries, wanted), MinQueries) * MinQueries, MinQueries);
        for (var first = 0; first < queries; first += size)
        {
            var count = Math.Min(size, queries - first);
            var firstChunk = view.First(first) / AttentionOrder.ChunkPositions;
            var endChunk = view.Position(first + count - 1) / AttentionOrder.ChunkPositions + 1;
            var cost = Cost(view, first, count);
            var parts = (int)Math.Min(count <= MinQueries ? DivideUp(cost, target) : 1, endChunk - firstChunk);
            if (parts == 1)
            {
                _parts.Add(new AttentionPart(sliceIndex, first, count, firstChunk, endChunk, Fold: -1, cost));
                continue;
            }
            for (var part = 0; part < parts; part++)
            {
                var (from, to) = (Share(part, parts), Share(part + 1, parts));
                _parts.Add(new AttentionPart(sliceIndex, first, count, from, to, _folds.Count, cost * (to - from) / (endChunk - firstChunk)));
            }
            _folds.Add(new AttentionFold(sliceIndex, first, count, firstChunk, endChunk, _recordCount));
            _recordCount += (long)plan.Layout.Heads * (endChunk - firstChunk) * count;

            int Share(int part, int parts) => firstChunk + (int)((long)(endChunk - firstChunk) * part / parts);
        }
    }

    private static AttentionView View(AttentionPlan plan, in AttentionSlice slice, int window) =>
        new(slice.FirstPosition, plan.GroupSize, window);

    private static long Cost(in AttentionView view, int firstQuery, int count)
    {
        var middle = firstQuery + count / 2;
        return (long)(view.End(middle) - view.First(middle)) * (count + ReadCost);
    }

    private static long DivideUp(long value, long by) => (value + by - 1) / by;
}
