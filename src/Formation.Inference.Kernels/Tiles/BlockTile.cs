using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// The part of <see cref="IntegerTile{TQuads, TFormat}"/> for formats without groups, whose blocks of 32 columns end every eight quads: what
/// ends a block stays in registers.
/// </summary>
internal static unsafe class BlockTile<TQuads, TFormat>
    where TQuads : struct, IQuads<TQuads>
    where TFormat : struct, IIntegerFormat
{
    private const int Outputs = IntegerPanel.Outputs;
    private const int QuadBytes = IntegerPanel.QuadBytes;
    private const int Quads = 8;
    private const int OnePair = 0x00010001;
    private const int LowHalves = 0x0F0F0F0F;

    // Levels of 8 bits are multiplied as two halves of 4 bits where no instruction takes them whole.
    private static bool HasPlanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TQuads.HasWideParts && TFormat.LargestLevel > 127;
    }

    // Whether the products of a block can be added in 16 bits.
    private static bool TakesOnePass
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TQuads.HasWideParts || TFormat.LargestLevel <= 15;
    }

    private static int VectorsAtOnce
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TakesOnePass ? 2 : 1;
    }

    /// <summary>Adds the products of four rows, the last of which may be the same row several times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void FourRows(in IntegerPanel panel, int blocks, in InputRows x, int row, int lastRow, float* sums)
    {
        var vectors = VectorsAtOnce;
        for (var lane = 0; lane < Outputs; lane += vectors * TQuads.Count)
        {
            var levels = panel.Levels + lane * sizeof(int);
            var scales = panel.Scales + lane;
            var offsets = panel.Offsets + lane;
            var rows = new Rows(x, row, Math.Min(row + 1, lastRow), Math.Min(row + 2, lastRow), Math.Min(row + 3, lastRow));
            for (var block = 0; block < blocks; block++, levels += Quads * QuadBytes, scales += Outputs, offsets += Outputs)
            {
                if (vectors == 2)
                    OnePass(levels, scales, offsets, rows, block, sums + lane);
                else if (HasPlanes)
                    TwoPlanes(levels, scales, offsets, rows, block, sums + lane);
                else
                    TwoPasses(levels, scales, offsets, rows, block, sums + lane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OnePass(byte* levels, float* scales, float* offsets, in Rows x, int block, float* sums)
    {
        var part00 = TQuads.Broadcast(0);
        TQuads part01 = part00, part10 = part00, part11 = part00, part20 = part00, part21 = part00, part30 = part00, part31 = part00;
        nint column = block * (nint)(4 * Quads);
        for (var end = column + 4 * Quads; column < end; column += 4, levels += QuadBytes)
        {
            var level0 = TQuads.Load(levels);
            var level1 = TQuads.Load(levels + TQuads.Count * sizeof(int));
            var input = TQuads.Broadcast(*(int*)(x.Quants0 + column));
            part00 = TQuads.AddProducts(part00, level0, input);
            part01 = TQuads.AddProducts(part01, level1, input);
            input = TQuads.Broadcast(*(int*)(x.Quants1 + column));
            part10 = TQuads.AddProducts(part10, level0, input);
            part11 = TQuads.AddProducts(part11, level1, input);
            input = TQuads.Broadcast(*(int*)(x.Quants2 + column));
            part20 = TQuads.AddProducts(part20, level0, input);
            part21 = TQuads.AddProducts(part21, level1, input);
            input = TQuads.Broadcast(*(int*)(x.Quants3 + column));
            part30 = TQuads.AddProducts(part30, level0, input);
            part31 = TQuads.AddProducts(part31, level1, input);
        }
        var count = TQuads.Count;
        Finish(Widened(part00), scales, offsets, x.Scales0 + block, x.Sums0 + block, sums);
        Finish(Widened(part01), scales + count, offsets + count, x.Scales0 + block, x.Sums0 + block, sums + count);
        sums += Outputs;
        Finish(Widened(part10), scales, offsets, x.Scales1 + block, x.Sums1 + block, sums);
        Finish(Widened(part11), scales + count, offsets + count, x.Scales1 + block, x.Sums1 + block, sums + count);
        sums += Outputs;
        Finish(Widened(part20), scales, offsets, x.Scales2 + block, x.Sums2 + block, sums);
        Finish(Widened(part21), scales + count, offsets + count, x.Scales2 + block, x.Sums2 + block, sums + count);
        sums += Outputs;
        Finish(Widened(part30), scales, offsets, x.Scales3 + block, x.Sums3 + block, sums);
        Finish(Widened(part31), scales + count, offsets + count, x.Scales3 + block, x.Sums3 + block, sums + count);
    }

    // One vector of outputs at a time: both planes' parts of four rows are as many registers as AVX2 can spare.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoPlanes(byte* levels, float* scales, float* offsets, in Rows x, int block, float* sums)
    {
        var low0 = TQuads.Broadcast(0);
        TQuads low1 = low0, low2 = low0, low3 = low0, high0 = low0, high1 = low0, high2 = low0, high3 = low0;
        var halves = TQuads.Broadcast(LowHalves);
        nint column = block * (nint)(4 * Quads);
        for (var end = column + 4 * Quads; column < end; column += 4, levels += QuadBytes)
        {
            var level = TQuads.Load(levels);
            var high = TQuads.ShiftRight(level, 4) & halves;
            var low = level & halves;
            var input = TQuads.Broadcast(*(int*)(x.Quants0 + column));
            low0 = TQuads.AddProducts(low0, low, input);
            high0 = TQuads.AddProducts(high0, high, input);
            input = TQuads.Broadcast(*(int*)(x.Quants1 + column));
            low1 = TQuads.AddProducts(low1, low, input);
            high1 = TQuads.AddProducts(high1, high, input);
            input = TQuads.Broadcast(*(int*)(x.Quants2 + column));
            low2 = TQuads.AddProducts(low2, low, input);
            high2 = TQuads.AddProducts(high2, high, input);
            input = TQuads.Broadcast(*(int*)(x.Quants3 + column));
            low3 = TQuads.AddProducts(low3, low, input);
            high3 = TQuads.AddProducts(high3, high, input);
        }
        Finish(Joined(low0, high0), scales, offsets, x.Scales0 + block, x.Sums0 + block, sums);
        Finish(Joined(low1, high1), scales, offsets, x.Scales1 + block, x.Sums1 + block, sums + Outputs);
        Finish(Joined(low2, high2), scales, offsets, x.Scales2 + block, x.Sums2 + block, sums + 2 * Outputs);
        Finish(Joined(low3, high3), scales, offsets, x.Scales3 + block, x.Sums3 + block, sums + 3 * Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoPasses(byte* levels, float* scales, float* offsets, in Rows x, int block, float* sums)
    {
        var zero = TQuads.Broadcast(0);
        TQuads sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;
        nint column = block * (nint)(4 * Quads);
        for (var pass = 0; pass < 2; pass++)
        {
            TQuads part0 = zero, part1 = zero, part2 = zero, part3 = zero;
            for (var end = column + 2 * Quads; column < end; column += 4, levels += QuadBytes)
            {
                var level = TQuads.Load(levels);
                part0 = TQuads.AddProducts(part0, level, TQuads.Broadcast(*(int*)(x.Quants0 + column)));
                part1 = TQuads.AddProducts(part1, level, TQuads.Broadcast(*(int*)(x.Quants1 + column)));
                part2 = TQuads.AddProducts(part2, level, TQuads.Broadcast(*(int*)(x.Quants2 + column)));
                part3 = TQuads.AddProducts(part3, level, TQuads.Broadcast(*(int*)(x.Quants3 + column)));
            }
            sum0 += Widened(part0);
            sum1 += Widened(part1);
            sum2 += Widened(part2);
            sum3 += Widened(part3);
        }
        Finish(sum0, scales, offsets, x.Scales0 + block, x.Sums0 + block, sums);
        Finish(sum1, scales, offsets, x.Scales1 + block, x.Sums1 + block, sums + Outputs);
        Finish(sum2, scales, offsets, x.Scales2 + block, x.Sums2 + block, sums + 2 * Outputs);
        Finish(sum3, scales, offsets, x.Scales3 + block, x.Sums3 + block, sums + 3 * Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Widened(TQuads part) => TQuads.HasWideParts ? part : TQuads.MultiplyPairs(part, TQuads.Broadcast(OnePair));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Joined(TQuads low, TQuads high) =>
        Widened(low) + TQuads.MultiplyPairs(high, TQuads.Broadcast(OnePair << 4));

    /// <summary>Ends a block of one row: its zero level is taken off, and the scaled sum is added.</summary>
    /// <param name="inputSums">The two sums of the block's inputs, a pair.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Finish(TQuads sum, float* scales, float* offsets, float* inputScale, int* inputSums, float* sums)
    {
        if (TFormat.Zero != 0)
            sum += TQuads.MultiplyPairs(TQuads.Broadcast(*inputSums), TQuads.Broadcast((ushort)-TFormat.Zero | (-TFormat.Zero << 16)));
        TQuads.AddScaledFloats(sum, scales, *inputScale, sums);
        if (TFormat.HasOffsets)
            TQuads.AddProduct(offsets, *inputScale * (((short*)inputSums)[0] + ((short*)inputSums)[1]), sums);
    }

    /// <summary>Where four rows' bytes, scales and sums begin.</summary>
    private readonly struct Rows(in InputRows x, int row0, int row1, int row2, int row3)
    {
        public readonly sbyte* Quants0 = x.Quants(row0), Quants1 = x.Quants(row1), Quants2 = x.Quants(row2), Quants3 = x.Quants(row3);

        public readonly float* Scales0 = x.Scales(row0), Scales1 = x.Scales(row1), Scales2 = x.Scales(row2), Scales3 = x.Scales(row3);

        public readonly int* Sums0 = (int*)x.Sums(row0), Sums1 = (int*)x.Sums(row1), Sums2 = (int*)x.Sums(row2), Sums3 = (int*)x.Sums(row3);
    }
}
