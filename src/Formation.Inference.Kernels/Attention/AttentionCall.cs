namespace Formation.Inference.Kernels.Attention;

/// <summary>What all tasks of a call share. See <see cref="PagedAttention"/> for the meaning of the values.</summary>
internal unsafe readonly struct AttentionCall(
    KvMemory memory, int layer, AttentionPlan plan, AttentionSchedule schedule, float scale, int window, float* queries, float* y)
{
    // e^x = 2^(x · log2 e): the weights are powers of 2.
    private const float Log2E = 1.44269504f;

    public readonly KvMemory Memory = memory;
    public readonly int Layer = layer;
    public readonly AttentionPlan Plan = plan;
    public readonly AttentionSchedule Schedule = schedule;

    /// <summary>What a query is multiplied by, so that scores are exponents of 2.</summary>
    public readonly float Factor = scale * Log2E;

    public KvLayout Layout => Memory.Layout;

    /// <summary>Which positions the queries of a slice see.</summary>
    public AttentionView View(in AttentionSlice slice) => new(slice.FirstPosition, Plan.GroupSize, window);

    /// <summary>A query's values.</summary>
    public float* Query(in AttentionSlice slice, int kvHead, int query) => queries + Offset(slice, kvHead, query);

    /// <summary>Where a query's result goes.</summary>
    public float* Output(in AttentionSlice slice, int kvHead, int query) => y + Offset(slice, kvHead, query);

    /// <summary>Where a query's result for a chunk goes.</summary>
    public float* Record(int fold, int kvHead, int chunk, int query) =>
        Schedule.Records + (Schedule.Folds[fold].Record(kvHead, chunk) + query) * AttentionFold.RecordFloats(Layout);

    private long Offset(in AttentionSlice slice, int kvHead, int query)
    {
        var row = slice.FirstRow + query / Plan.GroupSize;
        var head = kvHead * Plan.GroupSize + query % Plan.GroupSize;
        return ((long)row * Plan.Heads + head) * Layout.HeadSize;
    }
}
