using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Scores in float32: a query's products are added in rising dimension, one position in each lane.</summary>
/// <typeparam name="TFloats">The vector width.</typeparam>
/// <typeparam name="TStored">How the keys are stored; they are converted in registers.</typeparam>
internal readonly unsafe struct FloatKeys<TFloats, TStored> : IKeyProducts
    where TFloats : struct, IFloats<TFloats>
    where TStored : struct, IStoredNumbers
{
    private const int Tile = KvLayout.TilePositions;

    public static int MaxRows => RowGroups.Most<TFloats>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PrepareQuery(KvLayout layout, float* query, float factor, int index, in AttentionScratch scratch)
    {
        var scaled = scratch.Queries + index * AttentionScratch.Stride;
        var d = 0;
        for (; d <= layout.HeadSize - TFloats.Count; d += TFloats.Count)
            (TFloats.Load(query + d) * TFloats.Broadcast(factor) * TFloats.Broadcast(TStored.Factor)).Store(scaled + d);
        for (; d < layout.HeadSize; d++)
            scaled[d] = query[d] * factor * TStored.Factor;
    }

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(KvLayout layout, in AttentionBlock block)
    {
        // Strips of keys stay in the first-level cache while all queries go through them.
        for (var lane = block.FirstTile * Tile; lane < block.EndTile * Tile; lane += 2 * TFloats.Count)
        {
            for (var query = 0; query < block.Queries; query += block.GroupSize)
            {
                var range = block.Range(query);
                var (firstTile, endTile) = AttentionBlock.Tiles(range);
                if (range.First >= range.End || lane >= endTile * Tile || lane + 2 * TFloats.Count <= firstTile * Tile)
                    continue;
                if (lane + TFloats.Count < endTile * Tile)
                    RowKernel.Run(new Strip<TwoColumns<TFloats>>(layout, block.Scratch, lane, query), block.RowsFrom(query));
                else
                    RowKernel.Run(new Strip<OneColumn<TFloats>>(layout, block.Scratch, lane, query), block.RowsFrom(query));
            }
        }
    }

    /// <summary>The scores of some queries for one or two vectors of positions.</summary>
    /// <param name="layout">The layout of the tiles.</param>
    /// <param name="scratch">The queries, the tiles, and where the scores go.</param>
    /// <param name="lane">The first position, inside the block.</param>
    /// <param name="firstQuery">The first query.</param>
    private readonly struct Strip<TColumns>(KvLayout layout, AttentionScratch scratch, int lane, int firstQuery) : IRowKernel
        where TColumns : struct, IColumns<TColumns, TFloats>
    {
        private const int Stride = AttentionScratch.Stride;
        private const int WeightStride = AttentionScratch.WeightStride;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TRows>() where TRows : struct, IRowCount
        {
            // Locals, and no call before the end: what is not inlined would push all sums out of the registers.
            var query = scratch.Queries + firstQuery * Stride;
            var end = query + layout.HeadSize;
            var key = At(lane);
            var nextKey = TColumns.Count > 1 ? At(lane + TFloats.Count) : key;
            nint valuesAhead = layout.TileHalfBytes;
            var row = scratch.Weights + firstQuery * WeightStride + lane;
            TColumns s0 = default, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
            for (; query < end; query += 2)
            {
                if (TStored.AreInCache)
                {
                    // The tile's values are next.
                    Prefetch.Line(key + valuesAhead);
                    if (TColumns.Count > 1)
                        Prefetch.Line(nextKey + valuesAhead);
                }
                var (even, odd) = TStored.LoadPair<TFloats>(key, Tile * TStored.Bytes);
                var (nextEven, nextOdd) = TColumns.Count > 1 ? TStored.LoadPair<TFloats>(nextKey, Tile * TStored.Bytes) : default;
                var evenKeys = TColumns.From(even, nextEven);
                var oddKeys = TColumns.From(odd, nextOdd);
                s0 = Add(query, evenKeys, oddKeys, s0);
                if (TRows.Value > 1)
                    s1 = Add(query + Stride, evenKeys, oddKeys, s1);
                if (TRows.Value > 2)
                    s2 = Add(query + 2 * Stride, evenKeys, oddKeys, s2);
                if (TRows.Value > 3)
                    s3 = Add(query + 3 * Stride, evenKeys, oddKeys, s3);
                if (TRows.Value > 4)
                    s4 = Add(query + 4 * Stride, evenKeys, oddKeys, s4);
                if (TRows.Value > 5)
                    s5 = Add(query + 5 * Stride, evenKeys, oddKeys, s5);
                if (TRows.Value > 6)
                    s6 = Add(query + 6 * Stride, evenKeys, oddKeys, s6);
                if (TRows.Value > 7)
                    s7 = Add(query + 7 * Stride, evenKeys, oddKeys, s7);
                key += 2 * Tile * TStored.Bytes;
                nextKey += 2 * Tile * TStored.Bytes;
            }

            Store(s0, row);
            if (TRows.Value > 1)
                Store(s1, row + WeightStride);
            if (TRows.Value > 2)
                Store(s2, row + 2 * WeightStride);
            if (TRows.Value > 3)
                Store(s3, row + 3 * WeightStride);
            if (TRows.Value > 4)
                Store(s4, row + 4 * WeightStride);
            if (TRows.Value > 5)
                Store(s5, row + 5 * WeightStride);
            if (TRows.Value > 6)
                Store(s6, row + 6 * WeightStride);
            if (TRows.Value > 7)
                Store(s7, row + 7 * WeightStride);
        }

        private byte* At(int position) =>
            scratch.KeyTiles[position / Tile] + position % Tile * TStored.Bytes * (TStored.ArePaired ? 2 : 1);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TColumns Add(float* query, TColumns even, TColumns odd, TColumns sums) =>
            TColumns.MultiplyAdd(TFloats.Broadcast(query[1]), odd, TColumns.MultiplyAdd(TFloats.Broadcast(query[0]), even, sums));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(TColumns columns, float* row)
        {
            columns.First.Store(row);
            if (TColumns.Count > 1)
                columns.Second.Store(row + TFloats.Count);
        }
    }
}
