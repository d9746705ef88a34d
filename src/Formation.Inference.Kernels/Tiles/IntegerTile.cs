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
        get => !TQuads.HasWideParts && TFormat.LargestLevel > 127 ? 2 : 1;
    }

    // Quads whose products can be added in 16 bits: a pair of them takes 2 · 127 · level, and has to stay below 2^15.
    private static int QuadsPerPass
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (TQuads.HasWideParts)
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
        {
            if (HasGroups)
                FourRows(panel, blocks, x, row, rows - 1, sums + row * Outputs);
            else
                BlockTile<TQuads, TFormat>.FourRows(panel, blocks, x, row, rows - 1, sums + row * Outputs);
        }
        for (; row < rows; row++)
            OneRow(panel, blocks, x, row, sums + row * Outputs);
    }

    // The constants are asked for once, at the top: the compiler's patience with small methods is limited, and the loops come first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(in IntegerPanel panel, int blocks, in InputRows x, int row, int lastRow, float* sums)
    {
        int quads = QuadsPerPass, passes = Passes, passesOfGroup = PassesOfGroup, planes = Planes;
        var hasGroups = HasGroups;
        int row1 = Math.Min(row + 1, lastRow), row2 = Math.Min(row + 2, lastRow), row3 = Math.Min(row + 3, lastRow);
        sbyte* x0 = x.Quants(row), x1 = x.Quants(row1), x2 = x.Quants(row2), x3 = x.Quants(row3);
        var zero = TQuads.Broadcast(0);
        var one = TQuads.Broadcast(TQuads.HasWideParts ? 1 : OnePair);
        var sixteen = TQuads.Broadcast(OnePair << 4);
        var halves = TQuads.Broadcast(LowHalves);
        var whole = stackalloc int[Rows * 2 * Strip.Outputs];
        for (var lane = 0; lane < Outputs; lane += 2 * TQuads.Count)
        {
            var levels = panel.Levels + lane * sizeof(int);
            var groupScales = panel.GroupScales + lane;
            nint column = 0;
            for (var block = 0; block < blocks; block++)
            {
                TQuads sum00 = zero, sum01 = zero, sum10 = zero, sum11 = zero, sum20 = zero, sum21 = zero, sum30 = zero, sum31 = zero;
                for (var pass = 0; pass < passes; pass++)
                {
                    for (var plane = 0; plane < planes; plane++)
                    {
                        TQuads part00 = zero, part01 = zero, part10 = zero, part11 = zero;
                        TQuads part20 = zero, part21 = zero, part30 = zero, part31 = zero;
                        for (var quad = 0; quad < quads; quad++)
                        {
                            var level0 = TQuads.Load(levels + quad * QuadBytes);
                            var level1 = TQuads.Load(levels + quad * QuadBytes + TQuads.Count * sizeof(int));
                            if (planes == 2)
                            {
                                level0 = (plane == 0 ? level0 : TQuads.ShiftRight(level0, 4)) & halves;
                                level1 = (plane == 0 ? level1 : TQuads.ShiftRight(level1, 4)) & halves;
                            }
                            var offset = column + quad * 4;
                            var input = TQuads.Broadcast(*(int*)(x0 + offset));
                            part00 = TQuads.AddProducts(part00, level0, input);
                            part01 = TQuads.AddProducts(part01, level1, input);
                            input = TQuads.Broadcast(*(int*)(x1 + offset));
                            part10 = TQuads.AddProducts(part10, level0, input);
                            part11 = TQuads.AddProducts(part11, level1, input);
                            input = TQuads.Broadcast(*(int*)(x2 + offset));
                            part20 = TQuads.AddProducts(part20, level0, input);
                            part21 = TQuads.AddProducts(part21, level1, input);
                            input = TQuads.Broadcast(*(int*)(x3 + offset));
                            part30 = TQuads.AddProducts(part30, level0, input);
                            part31 = TQuads.AddProducts(part31, level1, input);
                        }
                        TQuads scale0 = plane == 0 ? one : sixteen, scale1 = scale0;
                        if (hasGroups)
                        {
                            scale0 = GroupScale(groupScales, plane);
                            scale1 = GroupScale(groupScales + TQuads.Count, plane);
                        }
                        sum00 = TQuads.AddScaled(sum00, part00, scale0);
                        sum01 = TQuads.AddScaled(sum01, part01, scale1);
                        sum10 = TQuads.AddScaled(sum10, part10, scale0);
                        sum11 = TQuads.AddScaled(sum11, part11, scale1);
                        sum20 = TQuads.AddScaled(sum20, part20, scale0);
                        sum21 = TQuads.AddScaled(sum21, part21, scale1);
                        sum30 = TQuads.AddScaled(sum30, part30, scale0);
                        sum31 = TQuads.AddScaled(sum31, part31, scale1);
                    }
                    levels += quads * QuadBytes;
                    column += quads * 4;
                    if (hasGroups && (pass + 1) % passesOfGroup == 0)
                        groupScales += Outputs;
                }
                sum00.Store(whole);
                sum01.Store(whole + TQuads.Count);
                sum10.Store(whole + 2 * TQuads.Count);
                sum11.Store(whole + 3 * TQuads.Count);
                sum20.Store(whole + 4 * TQuads.Count);
                sum21.Store(whole + 5 * TQuads.Count);
                sum30.Store(whole + 6 * TQuads.Count);
                sum31.Store(whole + 7 * TQuads.Count);
                Finish(panel, block, lane, x, row, whole, sums);
                Finish(panel, block, lane, x, row1, whole + 2 * TQuads.Count, sums + Outputs);
                Finish(panel, block, lane, x, row2, whole + 4 * TQuads.Count, sums + 2 * Outputs);
                Finish(panel, block, lane, x, row3, whole + 6 * TQuads.Count, sums + 3 * Outputs);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(in IntegerPanel panel, int blocks, in InputRows x, int row, float* sums)
    {
        int quads = QuadsPerPass, passes = Passes, passesOfGroup = PassesOfGroup, planes = Planes;
        var hasGroups = HasGroups;
        var x0 = x.Quants(row);
        var zero = TQuads.Broadcast(0);
        var one = TQuads.Broadcast(TQuads.HasWideParts ? 1 : OnePair);
        var sixteen = TQuads.Broadcast(OnePair << 4);
        var halves = TQuads.Broadcast(LowHalves);
        var whole = stackalloc int[2 * Strip.Outputs];
        for (var lane = 0; lane < Outputs; lane += 2 * TQuads.Count)
        {
            var levels = panel.Levels + lane * sizeof(int);
            var groupScales = panel.GroupScales + lane;
            nint column = 0;
            for (var block = 0; block < blocks; block++)
            {
                TQuads sum0 = zero, sum1 = zero;
                for (var pass = 0; pass < passes; pass++)
                {
                    for (var plane = 0; plane < planes; plane++)
                    {
                        TQuads part0 = zero, part1 = zero;
                        for (var quad = 0; quad < quads; quad++)
                        {
                            var level0 = TQuads.Load(levels + quad * QuadBytes);
                            var level1 = TQuads.Load(levels + quad * QuadBytes + TQuads.Count * sizeof(int));
                            if (planes == 2)
                            {
                                level0 = (plane == 0 ? level0 : TQuads.ShiftRight(level0, 4)) & halves;
                                level1 = (plane == 0 ? level1 : TQuads.ShiftRight(level1, 4)) & halves;
                            }
                            var input = TQuads.Broadcast(*(int*)(x0 + column + quad * 4));
                            part0 = TQuads.AddProducts(part0, level0, input);
                            part1 = TQuads.AddProducts(part1, level1, input);
                        }
                        TQuads scale0 = plane == 0 ? one : sixteen, scale1 = scale0;
                        if (hasGroups)
                        {
                            scale0 = GroupScale(groupScales, plane);
                            scale1 = GroupScale(groupScales + TQuads.Count, plane);
                        }
                        sum0 = TQuads.AddScaled(sum0, part0, scale0);
                        sum1 = TQuads.AddScaled(sum1, part1, scale1);
                    }
                    levels += quads * QuadBytes;
                    column += quads * 4;
                    if (hasGroups && (pass + 1) % passesOfGroup == 0)
                        groupScales += Outputs;
                }
                sum0.Store(whole);
                sum1.Store(whole + TQuads.Count);
                Finish(panel, block, lane, x, row, whole, sums);
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

    /// <summary>The factor of a group's part, sixteenfold for the upper halves of levels, and twice where a part is a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads GroupScale(int* groupScales, int plane)
    {
        var scale = TQuads.Load(groupScales);
        if (plane != 0)
            scale = TQuads.ShiftLeft(scale, 4);
        return TQuads.HasWideParts ? scale : (scale & TQuads.Broadcast(0xFFFF)) | TQuads.ShiftLeft(scale, 16);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Finish(in IntegerPanel panel, int block, int lane, in InputRows x, int row, int* whole, float* sums)
    {
        TQuads sum0 = TQuads.Load(whole), sum1 = TQuads.Load(whole + TQuads.Count);
        var scales = panel.Scales + block * Outputs + lane;
        var scale = x.Scales(row)[block];
        sums += lane;
        if (HasGroups)
        {
            TQuads.AddScaledFloats(sum0, scales, scale, sums);
            TQuads.AddScaledFloats(sum1, scales + TQuads.Count, scale, sums + TQuads.Count);
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
            TQuads.AddScaledFloats(offset0, offsets, scale, sums);
            TQuads.AddScaledFloats(offset1, offsets + TQuads.Count, scale, sums + TQuads.Count);
            return;
        }
        var blockSum = x.Sums(row)[2 * block] + x.Sums(row)[2 * block + 1];
        if (TFormat.Zero != 0)
        {
            var zeros = TQuads.Broadcast(-TFormat.Zero * blockSum);
            sum0 += zeros;
            sum1 += zeros;
        }
        TQuads.AddScaledFloats(sum0, scales, scale, sums);
        TQuads.AddScaledFloats(sum1, scales + TQuads.Count, scale, sums + TQuads.Count);
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
