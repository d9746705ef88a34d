namespace Formation.Inference.Kernels.Attention;

/// <summary>A block of positions and the queries that go through it.</summary>
/// <param name="scratch">The worker's memory.</param>
/// <param name="origin">The block's first position.</param>
/// <param name="firstTile">The first tile, inside the block, that a query sees.</param>
/// <param name="endTile">The tile after the last one.</param>
/// <param name="queries">Number of queries.</param>
/// <param name="groupSize">Queries that go through the products together; the last group may have fewer.</param>
internal readonly unsafe struct AttentionBlock(
    AttentionScratch scratch, int origin, int firstTile, int endTile, int queries, int groupSize)
{
    public readonly AttentionScratch Scratch = scratch;
    public readonly int FirstTile = firstTile;
    public readonly int EndTile = endTile;
    public readonly int Queries = queries;
    public readonly int GroupSize = groupSize;

    /// <summary>The first position, inside the block, that a query sees; may lie before the block.</summary>
    public int First(int query) => Scratch.Firsts[query] - origin;

    /// <summary>The position after the last one; may lie past the block.</summary>
    public int End(int query) => Scratch.Ends[query] - origin;

    public int RowsFrom(int query) => Math.Min(GroupSize, Queries - query);

    /// <summary>The positions of the block that at least one query of a group sees; none where the first is not below the end.</summary>
    /// <param name="query">The group's first query.</param>
    public (int First, int End) Range(int query)
    {
        // What the first query can't see because of the window, and the last because it lies behind it, no other can.
        var end = End(query + RowsFrom(query) - 1);
        return (Math.Max(First(query), 0), Math.Min(end, AttentionOrder.BlockPositions));
    }

    /// <summary>The tiles of a range of positions.</summary>
    public static (int First, int End) Tiles((int First, int End) range) =>
        (range.First / KvLayout.TilePositions, (range.End + KvLayout.TilePositions - 1) / KvLayout.TilePositions);
}
