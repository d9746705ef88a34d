using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>What a task computes, for one KV head: some queries of one slice over some chunks of positions.</summary>
/// <param name="Slice">Which slice of the plan.</param>
/// <param name="FirstQuery">The first query.</param>
/// <param name="QueryCount">Number of queries.</param>
/// <param name="FirstChunk">The first chunk.</param>
/// <param name="EndChunk">The chunk after the last one.</param>
/// <param name="Fold">Which fold takes the chunks' results; negative where the task itself sees all of the queries' chunks.</param>
/// <param name="Cost">About how long it takes, in any unit.</param>
internal readonly record struct AttentionPart(
    int Slice, int FirstQuery, int QueryCount, int FirstChunk, int EndChunk, int Fold, long Cost);

/// <summary>
/// Queries whose chunks several tasks compute. Each chunk's result of a query is a record: its weighted sum in whole vectors, then its
/// largest score and its weight.
/// </summary>
/// <param name="Slice">Which slice of the plan.</param>
/// <param name="FirstQuery">The first query.</param>
/// <param name="QueryCount">Number of queries.</param>
/// <param name="FirstChunk">The first chunk.</param>
/// <param name="EndChunk">The chunk after the last one.</param>
/// <param name="FirstRecord">Number of the first record; they are ordered by KV head, chunk and query.</param>
internal readonly record struct AttentionFold(
    int Slice, int FirstQuery, int QueryCount, int FirstChunk, int EndChunk, long FirstRecord)
{
    /// <summary>The record of the first query in a chunk.</summary>
    public long Record(int kvHead, int chunk) =>
        FirstRecord + ((long)kvHead * (EndChunk - FirstChunk) + chunk - FirstChunk) * QueryCount;

    public static int RecordFloats(KvLayout layout) => MaximumIndex(layout) + Sixteen.Lanes;

    public static int MaximumIndex(KvLayout layout) => layout.PaddedHeadSize;

    public static int WeightIndex(KvLayout layout) => MaximumIndex(layout) + 1;
}
