using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Weighted sums in float32: one dimension in each lane, positions in rising order.</summary>
/// <typeparam name="TFloats">The vector width.</typeparam>
/// <typeparam name="TStored">How the values are stored; they are converted in registers.</typeparam>
internal readonly unsafe struct FloatValues<TFloats, TStored> : IValueProducts
    where TFloats : struct, IFloats<TFloats>
    where TStored : struct, IStoredNumbers
{
    private const int Tile = KvLayout.TilePositions;

    public static float WeightFactor => TStored.Factor;

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(KvLayout layout, in AttentionBlock block)
    {
        // Strips of values stay in the first-level cache while all queries go through them. The last one may hold dimensions past the last:
        // its lanes there sum what lies behind a row, and nobody reads them.
        for (var d = 0; d < layout.HeadSize; d += 2 * TFloats.Count)
        {
            for (var query = 0; query < block.Queries; query += block.GroupSize)
            {
                var range = block.Range(query);
                if (range.First >= range.End)
                    continue;
                if (d + TFloats.Count < layout.HeadSize)
                    RowKernel.Run(new Strip<TwoColumns<TFloats>>(layout, block.Scratch, d, range, query), block.RowsFrom(query));
                else
                    RowKernel.Run(new Strip<OneColumn<TFloats>>(layout, block.Scratch, d, range, query), block.RowsFrom(query));
            }
        }
    }

    /// <summary>The sums of some queries for one or two vectors of dimensions.</summary>
    /// <param name="layout">The layout of the tiles.</param>
    /// <param name="scratch">The weights, the tiles, and the sums.</param>
    /// <param name="dimension">The first dimension.</param>
    /// <param name="range">The positions, inside the block.</param>
    /// <param name="firstQuery">The first query.</param>
    private readonly struct Strip<TColumns>(
        KvLayout layout, AttentionScratch scratch, int dimension, (int First, int End) range, int firstQuery) : IRowKernel
        where TColumns : struct, IColumns<TColumns, TFloats>
    {
        private const int Stride = AttentionScratch.Stride;
        private const int WeightStride = AttentionScratch.WeightStride;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TRows>() where TRows : struct, IRowCount
        {
            var pairBytes = 2 * (nint)layout.HeadSize * TStored.Bytes;
            var pairWidth = TStored.ArePaired ? 2 * TStored.Bytes : TStored.Bytes;
            // Whole pairs: a position that a query does not see has the weight 0.
            var end = (range.End + 1) & ~1;
            var weights = scratch.Weights + firstQuery * WeightStride;
            TColumns s0 = default, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
            for (var j = range.First & ~1; j < end;)
            {
                var pair = scratch.ValueTiles[j / Tile] + j % Tile / 2 * pairBytes + dimension * pairWidth;
                var ahead = scratch.NextKeyTiles[j / Tile] + dimension * Tile * TStored.Bytes;
                var weight = weights + j;
                j = Math.Min((j / Tile + 1) * Tile, end);
                for (var last = weights + j; weight < last; weight += 2)
                {
                    if (TStored.AreInCache)
                    {
                        // The next block's keys, in their order, as much of them as this is of the values.
                        Prefetch.Line(ahead);
                        if (TColumns.Count * TFloats.Count * 2 * TStored.Bytes > Prefetch.LineBytes)
                            Prefetch.Line(ahead + Prefetch.LineBytes);
                        ahead += TColumns.Count * TFloats.Count * 2 * TStored.Bytes;
                    }
                    var (even, odd) = TStored.LoadPair<TFloats>(pair, pairBytes / 2);
                    var (nextEven, nextOdd) = TColumns.Count > 1
                        ? TStored.LoadPair<TFloats>(pair + TFloats.Count * pairWidth, pairBytes / 2) : default;
                    var evenValues = TColumns.From(even, nextEven);
                    var oddValues = TColumns.From(odd, nextOdd);
                    s0 = Add(weight, evenValues, oddValues, s0);
                    if (TRows.Value > 1)
                        s1 = Add(weight + WeightStride, evenValues, oddValues, s1);
                    if (TRows.Value > 2)
                        s2 = Add(weight + 2 * WeightStride, evenValues, oddValues, s2);
                    if (TRows.Value > 3)
                        s3 = Add(weight + 3 * WeightStride, evenValues, oddValues, s3);
                    if (TRows.Value > 4)
                        s4 = Add(weight + 4 * WeightStride, evenValues, oddValues, s4);
                    if (TRows.Value > 5)
                        s5 = Add(weight + 5 * WeightStride, evenValues, oddValues, s5);
                    if (TRows.Value > 6)
                        s6 = Add(weight + 6 * WeightStride, evenValues, oddValues, s6);
                    if (TRows.Value > 7)
                        s7 = Add(weight + 7 * WeightStride, evenValues, oddValues, s7);
                    pair += pairBytes;
                }
            }

            Store(s0, 0);
            if (TRows.Value > 1)
                Store(s1, 1);
            if (TRows.Value > 2)
                Store(s2, 2);
            if (TRows.Value > 3)
                Store(s3, 3);
            if (TRows.Value > 4)
                Store(s4, 4);
            if (TRows.Value > 5)
                Store(s5, 5);
            if (TRows.Value > 6)
                Store(s6, 6);
            if (TRows.Value > 7)
                Store(s7, 7);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TColumns Add(float* weight, TColumns even, TColumns odd, TColumns sums) =>
            TColumns.MultiplyAdd(TFloats.Broadcast(weight[1]), odd, TColumns.MultiplyAdd(TFloats.Broadcast(weight[0]), even, sums));

        /// <summary>sums = sums · rescale + block · share.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Store(TColumns block, int row)
        {
            var sum = scratch.Sums + (firstQuery + row) * Stride + dimension;
            var rescale = TFloats.Broadcast(scratch.Rescales[firstQuery + row]);
            var share = TFloats.Broadcast(scratch.Shares[firstQuery + row]);
            TFloats.MultiplyAdd(block.First, share, TFloats.Load(sum) * rescale).Store(sum);
            if (TColumns.Count > 1)
                TFloats.MultiplyAdd(block.Second, share, TFloats.Load(sum + TFloats.Count) * rescale).Store(sum + TFloats.Count);
        }
    }
}
