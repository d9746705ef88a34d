using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Scores over keys in half precision that are converted once for all queries of a task. The same bits as without: the conversion is exact.
/// </summary>
internal readonly unsafe struct UnpackedKeys<TFloats> : IKeyProducts
    where TFloats : struct, IFloats<TFloats>
{
    public static int MaxRows => RowGroups.Most<TFloats>();

    public static void PrepareQuery(KvLayout layout, float* query, float factor, int index, in AttentionScratch scratch) =>
        FloatKeys<TFloats, Singles>.PrepareQuery(layout, query, factor, index, scratch);

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
        var scratch = block.Scratch;
        for (var tile = block.FirstTile; tile < block.EndTile; tile++)
        {
            var unpacked = scratch.UnpackedKeys + tile * layout.HeadSize * KvLayout.TilePositions;
            KvUnpacking.Pairs<TFloats>((ushort*)scratch.KeyTiles[tile], layout.HeadSize / 2, KvLayout.TilePositions, unpacked);
            scratch.KeyTiles[tile] = (byte*)unpacked;
        }
    }

    public static void Scores(KvLayout layout, in AttentionBlock block) => FloatKeys<TFloats, Singles>.Scores(layout, block);
}

/// <summary>Weighted sums of values in half precision that are converted once for all queries of a task, with the same bits as without.</summary>
internal readonly unsafe struct UnpackedValues<TFloats> : IValueProducts
    where TFloats : struct, IFloats<TFloats>
{
    public static float WeightFactor => 1;

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
        var scratch = block.Scratch;
        for (var tile = block.FirstTile; tile < block.EndTile; tile++)
        {
            var unpacked = scratch.UnpackedValues + tile * layout.HeadSize * KvLayout.TilePositions;
            KvUnpacking.Pairs<TFloats>((ushort*)scratch.ValueTiles[tile], KvLayout.TilePositions / 2, layout.HeadSize, unpacked);
            scratch.ValueTiles[tile] = (byte*)unpacked;
        }
    }

    public static void Accumulate(KvLayout layout, in AttentionBlock block) =>
        FloatValues<TFloats, Singles>.Accumulate(layout, block);
}
