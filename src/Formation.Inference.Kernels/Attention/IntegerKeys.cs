using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Scores of 8-bit keys and 16-bit queries: the products of each 32 dimensions are added as integers, in pairs, and their sums times the
/// scales as float32 in rising group. A query loses less by its 16 bits than a key has lost by its 8.
/// </summary>
/// <typeparam name="TFloats">The vector width of the scores.</typeparam>
/// <typeparam name="TPairs">The same width for the products.</typeparam>
internal readonly unsafe struct IntegerKeys<TFloats, TPairs> : IKeyProducts
    where TFloats : struct, IFloats<TFloats>
    where TPairs : struct, IPairs<TPairs, TFloats>
{
    private const int Tile = KvLayout.TilePositions;

    public static int MaxRows => RowGroups.Most<TFloats>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PrepareQuery(KvLayout layout, float* query, float factor, int index, in AttentionScratch scratch)
    {
        var scaled = scratch.Queries + index * AttentionScratch.Stride;
        var largest = TFloats.Broadcast(0);
        for (var d = 0; d < layout.HeadSize; d += TFloats.Count)
        {
            var value = TFloats.Load(query + d) * TFloats.Broadcast(factor);
            value.Store(scaled + d);
            largest = TFloats.Max(largest, TFloats.Max(value, TFloats.Broadcast(0) - value));
        }
        var (step, inverse) = IntegerSteps.Of(largest.Max());
        scratch.QuerySteps[index] = step;
        // In place: a vector of integers never reaches past the floats that it comes from.
        for (var d = 0; d < layout.HeadSize; d += TFloats.Count)
            TFloats.Clamp(TFloats.Load(scaled + d) * TFloats.Broadcast(inverse), IntegerSteps.Largest).StoreRounded((short*)scaled + d);
    }

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(KvLayout layout, in AttentionBlock block)
    {
        for (var query = 0; query < block.Queries; query += block.GroupSize)
        {
            var range = block.Range(query);
            if (range.First >= range.End)
                continue;
            var (firstTile, endTile) = AttentionBlock.Tiles(range);
            var (lane, end, rows) = (firstTile * Tile, endTile * Tile, block.RowsFrom(query));
            for (var row = query; row < query + rows; row++)
                new Span<float>(block.Scratch.Weights + row * AttentionScratch.WeightStride + lane, end - lane).Clear();
            for (; lane <= end - 2 * TFloats.Count; lane += 2 * TFloats.Count)
                RowKernel.Run(new Strip<TwoColumns<TPairs>>(layout, block.Scratch, lane, query), rows);
            if (lane < end)
                RowKernel.Run(new Strip<OneColumn<TPairs>>(layout, block.Scratch, lane, query), rows);
        }
    }

    /// <summary>Adds to the scores of some queries for one or two vectors of positions.</summary>
    /// <param name="layout">The layout of the tiles.</param>
    /// <param name="scratch">The queries, the tiles, and the scores.</param>
    /// <param name="lane">The first position, inside the block.</param>
    /// <param name="firstQuery">The first query.</param>
    private readonly struct Strip<TColumns>(KvLayout layout, AttentionScratch scratch, int lane, int firstQuery) : IRowKernel
        where TColumns : struct, IColumns<TColumns, TPairs>
    {
        // A row of floats has room for twice as many 16-bit numbers.
        private const int Stride = 2 * AttentionScratch.Stride;
        private const int WeightStride = AttentionScratch.WeightStride;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TRows>() where TRows : struct, IRowCount
        {
            // Locals, and no call while the sums live: what is not inlined would push all of them out of the registers.
            var nextLane = TColumns.Count > 1 ? lane + TFloats.Count : lane;
            var tile = scratch.KeyTiles[lane / Tile];
            var nextTile = scratch.KeyTiles[nextLane / Tile];
            var key = (sbyte*)tile + lane % Tile * 2;
            var nextKey = (sbyte*)nextTile + nextLane % Tile * 2;
            var keyScales = (ushort*)(tile + layout.ScalesOffset) + lane % Tile;
            var nextKeyScales = (ushort*)(nextTile + layout.ScalesOffset) + nextLane % Tile;
            nint valuesAhead = layout.TileHalfBytes;
            var query = (short*)scratch.Queries + firstQuery * Stride;
            var end = query + layout.HeadSize;
            for (var endOfGroup = query; endOfGroup < end;)
            {
                TColumns s0 = default, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
                for (endOfGroup += KvLayout.ScaledValues; query < endOfGroup; query += 2)
                {
                    // The tile's values are next.
                    Prefetch.Line((byte*)key + valuesAhead);
                    if (TColumns.Count > 1)
                        Prefetch.Line((byte*)nextKey + valuesAhead);
                    var keys = TColumns.From(TPairs.LoadBytes(key), TColumns.Count > 1 ? TPairs.LoadBytes(nextKey) : default);
                    s0 = TColumns.MultiplyAdd(TPairs.Broadcast(query), keys, s0);
                    if (TRows.Value > 1)
                        s1 = TColumns.MultiplyAdd(TPairs.Broadcast(query + Stride), keys, s1);
                    if (TRows.Value > 2)
                        s2 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 2 * Stride), keys, s2);
                    if (TRows.Value > 3)
                        s3 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 3 * Stride), keys, s3);
                    if (TRows.Value > 4)
                        s4 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 4 * Stride), keys, s4);
                    if (TRows.Value > 5)
                        s5 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 5 * Stride), keys, s5);
                    if (TRows.Value > 6)
                        s6 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 6 * Stride), keys, s6);
                    if (TRows.Value > 7)
                        s7 = TColumns.MultiplyAdd(TPairs.Broadcast(query + 7 * Stride), keys, s7);
                    key += 2 * Tile;
                    nextKey += 2 * Tile;
                }

                var scale = TFloats.LoadFiniteHalf(keyScales);
                var nextScale = TColumns.Count > 1 ? TFloats.LoadFiniteHalf(nextKeyScales) : default;
                keyScales += Tile;
                nextKeyScales += Tile;
                Add(s0, 0, scale, nextScale);
                if (TRows.Value > 1)
                    Add(s1, 1, scale, nextScale);
                if (TRows.Value > 2)
                    Add(s2, 2, scale, nextScale);
                if (TRows.Value > 3)
                    Add(s3, 3, scale, nextScale);
                if (TRows.Value > 4)
                    Add(s4, 4, scale, nextScale);
                if (TRows.Value > 5)
                    Add(s5, 5, scale, nextScale);
                if (TRows.Value > 6)
                    Add(s6, 6, scale, nextScale);
                if (TRows.Value > 7)
                    Add(s7, 7, scale, nextScale);
            }
        }

        /// <summary>scores[row] += sums · scales of the keys · step of the query.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(TColumns sums, int row, TFloats scale, TFloats nextScale)
        {
            var score = scratch.Weights + (firstQuery + row) * WeightStride + lane;
            var step = TFloats.Broadcast(scratch.QuerySteps[firstQuery + row]);
            TFloats.MultiplyAdd(sums.First.ToFloats(), scale * step, TFloats.Load(score)).Store(score);
            if (TColumns.Count > 1)
            {
                score += TFloats.Count;
                TFloats.MultiplyAdd(sums.Second.ToFloats(), nextScale * step, TFloats.Load(score)).Store(score);
            }
        }
    }
}
