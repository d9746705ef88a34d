using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Products of a panel with activations of 8 bits. Within a block all sums are whole numbers and exact; a block adds one rounded product to
/// the output's sum, in the order of the columns. So a result depends on neither the vectors' width nor the other rows.
/// </summary>
/// <remarks>
/// Four rows meet two vectors of levels at a time: each level is loaded once for four products, each activation for two. Products are
/// added in 16 bits as long as they fit, and widened with the group's scale as the other factor.
/// </remarks>
internal static unsafe class IntegerTile<TQuads, TFormat>
    where TQuads : struct, IQuads<TQuads>
    where TFormat : struct, IIntegerFormat
{
    /// <summary>Rows that are computed together; sums need to have room for a multiple of it.</summary>
    internal const int Rows = 4;

    private const int Outputs = IntegerPanel.Outputs;
    private const int QuadBytes = IntegerPanel.QuadBytes;
    private const int OnePair = 0x00010001;
    private const int LowHalves = 0x0F0F0F0F;

    // Levels of 8 bits are multiplied as two halves of 4 bits where no instruction takes them whole.
    private static int Planes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TQuads.HasDotBytes && TFormat.LargestLevel > 127 ? 2 : 1;
    }

    // Quads whose products can be added in 16 bits: a pair of them takes 2 · 127 · level, and has to stay below 2^15.
    private static int QuadsPerPass
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (TQuads.HasDotBytes)
                return TFormat.GroupColumns / 4;
            if (TFormat.LargestLevel is <= 15 or > 127)
                return TFormat.GroupColumns / 4;
            return TFormat.LargestLevel <= 31 ? 4 : 2;
        }
    }

    private static int Passes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.BlockColumns / 4 / QuadsPerPass;
    }

    private static int PassesOfGroup
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.GroupColumns / 4 / QuadsPerPass;
    }

    private static bool HasGroups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.BlockColumns > TFormat.GroupColumns;
    }

    /// <summary>Adds the products of whole blocks to the sums.</summary>
    /// <param name="panel">The blocks' levels and scales.</param>
    /// <param name="blocks">Blocks in the panel.</param>
    /// <param name="rows">Rows that there are; the sums of rows up to the next multiple of four are overwritten with what has no meaning.</param>
    /// <param name="sums">Shape: (rows, <see cref="Outputs"/>).</param>
    internal static void Accumulate(in IntegerPanel panel, int blocks, in InputRows x, int rows, float* sums)
    {
        var row = 0;
        // Two rows alone are sooner done one by one.
        for (; rows - row > 2; row += Rows)
            FourRows(panel, blocks, x, row, rows - 1, sums + row * Outputs);
        for (; row < rows; row++)
            OneRow(panel, blocks, x, row, sums + row * Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(in IntegerPanel panel, int blocks, in InputRows x, int row, int lastRow, float* sums)
    {
        int row1 = Math.Min(row + 1, lastRow), row2 = Math.Min(row + 2, lastRow), row3 = Math.Min(row + 3, lastRow);
        sbyte* x0 = x.Quants(row), x1 = x.Quants(row1), x2 = x.Quants(row2), x3 = x.Quants(row3);
        for (var lane = 0; lane < Outputs; lane += 2 * TQuads.Count)
        {
            var levels = panel.Levels + lane * sizeof(int);
            var groupScales = panel.GroupScales + lane;
            nint column = 0;
            for (var block = 0; block < blocks; block++)
            {
                var zero = TQuads.Broadcast(0);
                TQuads sum00 = zero, sum01 = zero, sum10 = zero, sum11 = zero, sum20 = zero, sum21 = zero, sum30 = zero, sum31 = zero;
                for (var pass = 0; pass < Passes; pass++)
                {
                    for (var plane = 0; plane < Planes; plane++)
                    {
                        var (scale0, scale1) = Scales(groupScales, plane);
                        TQuads part00 = zero, part01 = zero, part10 = zero, part11 = zero;
                        TQuads part20 = zero, part21 = zero, part30 = zero, part31 = zero;
                        for (var quad = 0; quad < QuadsPerPass; quad++)
                        {
                            var level0 = Level(levels + quad * QuadBytes, plane);
                            var level1 = Level(levels + quad * QuadBytes + TQuads.Count * sizeof(int), plane);
                            var offset = column + quad * 4;
                            var input = TQuads.Broadcast(*(int*)(x0 + offset));
                            part00 = Add(part00, level0, input);
                            part01 = Add(part01, level1, input);
                            input = TQuads.Broadcast(*(int*)(x1 + offset));
                            part10 = Add(part10, level0, input);
                            part11 = Add(part11, level1, input);
                            input = TQuads.Broadcast(*(int*)(x2 + offset));
                            part20 = Add(part20, level0, input);
                            part21 = Add(part21, level1, input);
                            input = TQuads.Broadcast(*(int*)(x3 + offset));
                            part30 = Add(part30, level0, input);
                            part31 = Add(part31, level1, input);
                        }
                        sum00 += Widen(part00, scale0);
                        sum01 += Widen(part01, scale1);
                        sum10 += Widen(part10, scale0);
                        sum11 += Widen(part11, scale1);
                        sum20 += Widen(part20, scale0);
                        sum21 += Widen(part21, scale1);
                        sum30 += Widen(part30, scale0);
                        sum31 += Widen(part31, scale1);
                    }
                    levels += QuadsPerPass * QuadBytes;
                    column += QuadsPerPass * 4;
                    if (HasGroups && (pass + 1) % PassesOfGroup == 0)
                        groupScales += Outputs;
                }
                Finish(panel, block, lane, x, row, sum00, sum01, sums);
                Finish(panel, block, lane, x, row1, sum10, sum11, sums + Outputs);
                Finish(panel, block, lane, x, row2, sum20, sum21, sums + 2 * Outputs);
                Finish(panel, block, lane, x, row3, sum30, sum31, sums + 3 * Outputs);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(in IntegerPanel panel, int blocks, in InputRows x, int row, float* sums)
    {
        var x0 = x.Quants(row);
        for (var lane = 0; lane < Outputs; lane += 2 * TQuads.Count)
        {
            var levels = panel.Levels + lane * sizeof(int);
            var groupScales = panel.GroupScales + lane;
            nint column = 0;
            for (var block = 0; block < blocks; block++)
            {
                var zero = TQuads.Broadcast(0);
                TQuads sum0 = zero, sum1 = zero;
                for (var pass = 0; pass < Passes; pass++)
                {
                    for (var plane = 0; plane < Planes; plane++)
                    {
                        var (scale0, scale1) = Scales(groupScales, plane);
                        TQuads part0 = zero, part1 = zero;
                        for (var quad = 0; quad < QuadsPerPass; quad++)
                        {
                            var input = TQuads.Broadcast(*(int*)(x0 + column + quad * 4));
                            part0 = Add(part0, Level(levels + quad * QuadBytes, plane), input);
                            part1 = Add(part1, Level(levels + quad * QuadBytes + TQuads.Count * sizeof(int), plane), input);
                        }
                        sum0 += Widen(part0, scale0);
                        sum1 += Widen(part1, scale1);
                    }
                    levels += QuadsPerPass * QuadBytes;
                    column += QuadsPerPass * 4;
                    if (HasGroups && (pass + 1) % PassesOfGroup == 0)
                        groupScales += Outputs;
                }
                Finish(panel, block, lane, x, row, sum0, sum1, sums);
            }
        }
    }

    /// <summary>The definition: one output of one row at a time.</summary>
    internal static void AccumulateScalar(in IntegerPanel panel, int blocks, in InputRows x, int rows, float* sums)
    {
        var groups = TFormat.BlockColumns / TFormat.GroupColumns;
        for (var row = 0; row < rows; row++)
        {
            for (var output = 0; output < Outputs; output++)
            {
                for (var block = 0; block < blocks; block++)
                {
                    var sum = 0;
                    for (var group = block * groups; group < (block + 1) * groups; group++)
                    {
                        var groupSum = 0;
                        for (var column = group * TFormat.GroupColumns; column < (group + 1) * TFormat.GroupColumns; column++)
                            groupSum += panel.Levels[column / 4 * QuadBytes + output * 4 + column % 4] * x.Quants(row)[column];
                        sum += HasGroups ? groupSum * panel.GroupScales[group * Outputs + output] : groupSum;
                    }
                    FinishScalar(panel, block, output, x, row, sum, sums + row * Outputs);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Level(byte* levels, int plane)
    {
        var level = TQuads.Load(levels);
        if (Planes == 1)
            return level;
        return (plane == 0 ? level : TQuads.ShiftRight(level, 4)) & TQuads.Broadcast(LowHalves);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Add(TQuads part, TQuads level, TQuads input) =>
        TQuads.HasDotBytes ? TQuads.DotBytes(part, level, input) : TQuads.AddPairs(part, TQuads.MultiplyBytes(level, input));

    /// <summary>The factors of a group's sums: whole for sums of 32 bits, twice for pairs; sixteenfold for the upper halves of levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TQuads First, TQuads Second) Scales(int* groupScales, int plane)
    {
        if (!HasGroups)
        {
            var factor = TQuads.Broadcast(plane == 0 ? OnePair : OnePair << 4);
            return (factor, factor);
        }
        var (first, second) = (TQuads.Load(groupScales), TQuads.Load(groupScales + TQuads.Count));
        if (plane != 0)
            (first, second) = (TQuads.ShiftLeft(first, 4), TQuads.ShiftLeft(second, 4));
        return TQuads.HasDotBytes ? (first, second) : (Twice(first), Twice(second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Twice(TQuads scale) => (scale & TQuads.Broadcast(0xFFFF)) | TQuads.ShiftLeft(scale, 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Widen(TQuads part, TQuads scale)
    {
        if (!TQuads.HasDotBytes)
            return TQuads.MultiplyPairs(part, scale);
        return HasGroups ? part * scale : part;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(in IntegerPanel panel, int block, int lane, in InputRows x, int row, TQuads sum0, TQuads sum1, float* sums)
    {
        var scales = panel.Scales + block * Outputs + lane;
        var scale = x.Scales(row)[block];
        sums += lane;
        if (HasGroups)
        {
            TQuads.AddScaled(sum0, scales, scale, sums);
            TQuads.AddScaled(sum1, scales + TQuads.Count, scale, sums + TQuads.Count);
            var offset0 = TQuads.Broadcast(0);
            var offset1 = offset0;
            var minimums = panel.Minimums + lane;
            var inputSums = (int*)x.Sums(row) + block * (TFormat.BlockColumns / 32);
            for (var pair = 0; pair < TFormat.BlockColumns / 32; pair++)
            {
                var inputSum = TQuads.Broadcast(inputSums[pair]);
                offset0 += TQuads.MultiplyPairs(TQuads.Load(minimums + pair * Outputs), inputSum);
                offset1 += TQuads.MultiplyPairs(TQuads.Load(minimums + pair * Outputs + TQuads.Count), inputSum);
            }
            var offsets = panel.Offsets + block * Outputs + lane;
            TQuads.AddScaled(offset0, offsets, scale, sums);
            TQuads.AddScaled(offset1, offsets + TQuads.Count, scale, sums + TQuads.Count);
            return;
        }
        var blockSum = x.Sums(row)[2 * block] + x.Sums(row)[2 * block + 1];
        if (TFormat.Zero != 0)
        {
            var zeros = TQuads.Broadcast(-TFormat.Zero * blockSum);
            sum0 += zeros;
            sum1 += zeros;
        }
        TQuads.AddScaled(sum0, scales, scale, sums);
        TQuads.AddScaled(sum1, scales + TQuads.Count, scale, sums + TQuads.Count);
        if (TFormat.HasOffsets)
        {
            var offsets = panel.Offsets + block * Outputs + lane;
            TQuads.AddProduct(offsets, scale * blockSum, sums);
            TQuads.AddProduct(offsets + TQuads.Count, scale * blockSum, sums + TQuads.Count);
        }
    }

    private static void FinishScalar(in IntegerPanel panel, int block, int output, in InputRows x, int row, int sum, float* sums)
    {
        var panelScale = panel.Scales[block * Outputs + output];
        var panelOffset = panel.Offsets[block * Outputs + output];
        var scale = x.Scales(row)[block];
        if (HasGroups)
        {
            var offset = 0;
            for (var i = 0; i < TFormat.BlockColumns / 16; i++)
                offset += ((short*)panel.Minimums)[(i / 2 * Outputs + output) * 2 + i % 2] * x.Sums(row)[block * (TFormat.BlockColumns / 16) + i];
            sums[output] = float.MultiplyAddEstimate(sum, panelScale * scale, sums[output]);
            sums[output] = float.MultiplyAddEstimate(offset, panelOffset * scale, sums[output]);
            return;
        }
        var blockSum = x.Sums(row)[2 * block] + x.Sums(row)[2 * block + 1];
        sums[output] = float.MultiplyAddEstimate(sum - TFormat.Zero * blockSum, panelScale * scale, sums[output]);
        if (TFormat.HasOffsets)
            sums[output] = float.MultiplyAddEstimate(panelOffset, scale * blockSum, sums[output]);
    }
}
