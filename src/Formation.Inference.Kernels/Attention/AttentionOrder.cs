namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// The order in which a query sums over positions: blocks one after the other inside a chunk, and chunks one after the other. Both are
/// aligned to position 0, so the order depends on nothing but the query's own position.
/// </summary>
/// <remarks>See docs/adr/0013-order-of-attention.md.</remarks>
internal static class AttentionOrder
{
    /// <summary>Tiles of a block.</summary>
    public const int BlockTiles = 4;

    /// <summary>Positions between two looks at the running maximum.</summary>
    public const int BlockPositions = BlockTiles * KvLayout.TilePositions;

    /// <summary>Positions that are summed by themselves, so that threads can share a long context.</summary>
    public const int ChunkPositions = 8 * BlockPositions;
}
