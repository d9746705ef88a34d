namespace Formation.Inference.Kernels.Attention;

/// <summary>Which positions the queries of a slice see. Queries are ordered by row, then by head of the group that shares a KV head.</summary>
/// <param name="firstPosition">Position of the first row.</param>
/// <param name="groupSize">Query heads that share a KV head.</param>
/// <param name="window">Positions that a query sees, its own included; 0 for all.</param>
internal readonly struct AttentionView(int firstPosition, int groupSize, int window)
{
    /// <summary>The query's own position: the last one that it sees.</summary>
    public int Position(int query) => firstPosition + query / groupSize;

    /// <summary>The first position that a query sees.</summary>
    public int First(int query) => window == 0 ? 0 : Math.Max(Position(query) - window + 1, 0);

    /// <summary>The position after the last one that a query sees.</summary>
    public int End(int query) => Position(query) + 1;
}
