using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Weighted sums of 8-bit values: a block's weights times the scales become 16-bit integers, their products with the values are added as
/// integers, in pairs, and each group's sum is brought back to float32. What the weights lose is relative to the largest of the block, and
/// less than the values have lost by their 8 bits.
/// </summary>
/// <typeparam name="TFloats">The vector width of the sums.</typeparam>
/// <typeparam name="TPairs">The same width for the products.</typeparam>
internal readonly unsafe struct IntegerValues<TFloats, TPairs> : IValueProducts
    where TFloats : struct, IFloats<TFloats>
    where TPairs : struct, IPairs<TPairs, TFloats>
{
    private const int Tile = KvLayout.TilePositions;
    private const int Block = AttentionOrder.BlockPositions;

    public static float WeightFactor => 1;

    public static void PrepareTiles(KvLayout layout, in AttentionBlock block)
    {
        for (var tile = block.FirstTile; tile < block.EndTile; tile++)
            KvUnpacking.Scales<TFloats>(layout, block.Scratch.ValueTiles[tile], block.Scratch.ValueScales + tile * Tile);
        block.Scratch.StepsRange[0] = block.Scratch.StepsRange[1] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(KvLayout layout, in AttentionBlock block)
    {
        for (var query = 0; query < block.Queries; query += block.GroupSize)
        {
            var range = block.Range(query);
            if (range.First >= range.End)
                continue;
            var rows = block.RowsFrom(query);
            for (var row = 0; row < rows; row++)
                PrepareWeights(layout, block, range, query, row);
            for (var d = 0; d < layout.HeadSize; d += 2 * TFloats.Count)
                RowKernel.Run(new Strip(layout, block.Scratch, d, range, query), rows);
        }
    }

    /// <summary>Turns the weights of a query into integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PrepareWeights(KvLayout layout, in AttentionBlock block, (int First, int End) range, int firstQuery, int row)
    {
        var scratch = block.Scratch;
        var groups = layout.HeadSize / KvLayout.ScaledValues;
        var (firstTile, endTile) = AttentionBlock.Tiles(range);
        PrepareSteps(scratch, groups, Math.Max(block.First(firstQuery + row), 0), Math.Min(block.End(firstQuery + row), Block));
        for (var group = 0; group < groups; group++)
        {
            var weights = scratch.Weights + (firstQuery + row) * AttentionScratch.WeightStride;
            var inverses = scratch.StepInverses + group * Block;
            var integers = scratch.IntegerWeights + row * AttentionScratch.IntegerStride + group * Block;
            for (var j = firstTile * Tile; j < endTile * Tile; j += TFloats.Count)
                (TFloats.Load(weights + j) * TFloats.Load(inverses + j)).StoreRounded(integers + j);
            scratch.WeightSteps[row * AttentionScratch.MaxGroups + group] = scratch.GroupSteps[group] * scratch.Shares[firstQuery + row];
        }
    }

    /// <summary>
    /// For each group, what an integer is worth, and what the weights are multiplied by to become integers: the largest scale that a query
    /// sees makes a weight of 1 the largest integer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PrepareSteps(in AttentionScratch scratch, int groups, int first, int end)
    {
        // Most queries see whole blocks: what is prepared for one serves the next.
        if ((scratch.StepsRange[0], scratch.StepsRange[1]) == (first, end) || first >= end)
            return;
        (scratch.StepsRange[0], scratch.StepsRange[1]) = (first, end);
        var (from, to) = (first / Tile * Tile, (end + Tile - 1) / Tile * Tile);
        for (var group = 0; group < groups; group++)
        {
            var scales = scratch.ValueScales + group * Block;
            var inverses = scratch.StepInverses + group * Block;
            for (var j = from; j < to; j += TFloats.Count)
                TFloats.Load(scales + j).Store(inverses + j);
            for (var j = from; j < first; j++)
                inverses[j] = 0;
            for (var j = end; j < to; j++)
                inverses[j] = 0;
            var largest = TFloats.Broadcast(0);
            for (var j = from; j < to; j += TFloats.Count)
                largest = TFloats.Max(largest, TFloats.Load(inverses + j));
            var (step, inverse) = IntegerSteps.Of(largest.Max());
            scratch.GroupSteps[group] = step;
            for (var j = from; j < to; j += TFloats.Count)
                (TFloats.Load(inverses + j) * TFloats.Broadcast(inverse)).Store(inverses + j);
        }
    }

    /// <summary>The sums of some queries for two vectors of dimensions, which are of one group.</summary>
    /// <param name="layout">The layout of the tiles.</param>
    /// <param name="scratch">The weights, the tiles, and the sums.</param>
    /// <param name="dimension">The first dimension.</param>
    /// <param name="range">The positions, inside the block.</param>
    /// <param name="firstQuery">The first query.</param>
    private readonly struct Strip(KvLayout layout, AttentionScratch scratch, int dimension, (int First, int End) range, int firstQuery)
        : IRowKernel
    {
        private const int Stride = AttentionScratch.Stride;
        private const int IntegerStride = AttentionScratch.IntegerStride;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TRows>() where TRows : struct, IRowCount
        {
            // Whole pairs: a position that a query does not see has the weight 0.
            var end = (range.End + 1) & ~1;
            nint pairBytes = 2 * layout.HeadSize;
            var weights = scratch.IntegerWeights + dimension / KvLayout.ScaledValues * Block;
            TwoColumns<TPairs> s0 = default, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
            for (var j = range.First & ~1; j < end;)
            {
                var pair = (sbyte*)scratch.ValueTiles[j / Tile] + j % Tile / 2 * pairBytes + dimension * 2;
                var ahead = scratch.NextKeyTiles[j / Tile] + dimension * Tile;
                var weight = weights + j;
                j = Math.Min((j / Tile + 1) * Tile, end);
                for (var last = weights + j; weight < last; weight += 2)
                {
                    // The next block's keys, in their order, as much of them as this is of the values.
                    Prefetch.Line(ahead);
                    ahead += 2 * TFloats.Count * 2;
                    var values = new TwoColumns<TPairs>(TPairs.LoadBytes(pair), TPairs.LoadBytes(pair + 2 * TFloats.Count));
                    s0 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight), values, s0);
                    if (TRows.Value > 1)
                        s1 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + IntegerStride), values, s1);
                    if (TRows.Value > 2)
                        s2 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 2 * IntegerStride), values, s2);
                    if (TRows.Value > 3)
                        s3 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 3 * IntegerStride), values, s3);
                    if (TRows.Value > 4)
                        s4 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 4 * IntegerStride), values, s4);
                    if (TRows.Value > 5)
                        s5 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 5 * IntegerStride), values, s5);
                    if (TRows.Value > 6)
                        s6 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 6 * IntegerStride), values, s6);
                    if (TRows.Value > 7)
                        s7 = TwoColumns<TPairs>.MultiplyAdd(TPairs.Broadcast(weight + 7 * IntegerStride), values, s7);
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

        /// <summary>sums = sums · rescale + block · step.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Store(TwoColumns<TPairs> block, int row)
        {
            var sum = scratch.Sums + (firstQuery + row) * Stride + dimension;
            var rescale = TFloats.Broadcast(scratch.Rescales[firstQuery + row]);
            var step = TFloats.Broadcast(scratch.WeightSteps[row * AttentionScratch.MaxGroups + dimension / KvLayout.ScaledValues]);
            TFloats.MultiplyAdd(block.First.ToFloats(), step, TFloats.Load(sum) * rescale).Store(sum);
            TFloats.MultiplyAdd(block.Second.ToFloats(), step, TFloats.Load(sum + TFloats.Count) * rescale).Store(sum + TFloats.Count);
        }
    }
}
