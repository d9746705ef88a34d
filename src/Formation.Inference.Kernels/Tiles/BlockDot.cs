using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// <see cref="StripDot{TQuads, TFloats, TFormat}"/> for formats without groups: a block of 32 columns is one pass, and two vectors
/// of outputs share what is read of the input.
/// </summary>
internal static unsafe class BlockDot<TQuads, TFloats, TFormat>
    where TQuads : struct, IQuads<TQuads>
    where TFloats : struct, IFloats<TFloats>
    where TFormat : struct, IIntegerFormat
{
    private const int OnePair = 0x00010001;
    private const int LowHalves = 0x0F0F0F0F;
    private const int Columns = 32;

    private static int Steps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Columns / 4 / TFormat.Runs;
    }

    // Levels of 8 bits are multiplied as two halves of 4 bits where no instruction takes them whole.
    private static bool HasPlanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TQuads.HasWideParts && TFormat.LargestLevel > 127;
    }

    // Whether a block's second sixteen columns need 16-bit sums of their own. Halves of levels never do.
    private static bool HasSecondPart
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TQuads.HasWideParts && TFormat.Runs == 2 && TFormat.LargestLevel is > 15 and <= 127;
    }

    /// <summary>As <see cref="StripDot{TQuads, TFloats, TFormat}.Accumulate"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Accumulate(byte* strip, int blocks, in InputRows x, float* sums)
    {
        var count = TQuads.Count;
        var vectors = count < Strip.Outputs ? 2 : 1;
        var scales = stackalloc float[2 * Strip.Outputs];
        var offsets = scales + Strip.Outputs;
        var input = x.Quants(0);
        var inputScale = x.Scales(0);
        var inputSums = (int*)x.Sums(0);
        var zero = TQuads.Broadcast(0);
        for (; blocks > 0; blocks--, strip += Strip.Outputs * TFormat.BlockBytes, input += Columns, inputScale++, inputSums++)
        {
            var ahead = strip + StripPrefetch.Bytes;
            StripPrefetch<TFormat>.Block(ahead);
            for (nuint step = 0; step < (nuint)Steps; step++)
                StripPrefetch<TFormat>.Step(ahead, step);
            Unpacking.Scales<TFormat, TFloats>(strip, scales, offsets);
            for (var lane = 0; lane < Strip.Outputs; lane += vectors * count)
            {
                TQuads first = zero, firstOther = zero, second = zero, secondOther = zero;
                var quads = input;
                for (nuint step = 0; step < (nuint)Steps; step++, quads += 4)
                {
                    AddStep(TFormat.Levels<TQuads>(strip, step, lane), quads, ref first, ref firstOther);
                    if (vectors == 2)
                        AddStep(TFormat.Levels<TQuads>(strip, step, lane + count), quads, ref second, ref secondOther);
                }
                BlockTile<TQuads, TFormat>.Finish(
                    Joined(first, firstOther), scales + lane, offsets + lane, inputScale, inputSums, sums + lane);
                if (vectors == 2)
                    BlockTile<TQuads, TFormat>.Finish(
                        Joined(second, secondOther), scales + lane + count, offsets + lane + count, inputScale, inputSums, sums + lane + count);
            }
        }
    }

    /// <summary>Adds a quad of each run.</summary>
    /// <param name="other">Takes the upper halves of levels, or the second run.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep(RunLevels<TQuads> levels, sbyte* quads, ref TQuads part, ref TQuads other)
    {
        var x0 = TQuads.Broadcast(*(int*)quads);
        if (HasPlanes)
        {
            var halves = TQuads.Broadcast(LowHalves);
            part = TQuads.AddProducts(part, levels.First & halves, x0);
            other = TQuads.AddProducts(other, TQuads.ShiftRight(levels.First, 4) & halves, x0);
            if (TFormat.Runs == 1)
                return;
            var x1 = TQuads.Broadcast(*(int*)(quads + TFormat.RunColumns));
            part = TQuads.AddProducts(part, levels.Second & halves, x1);
            other = TQuads.AddProducts(other, TQuads.ShiftRight(levels.Second, 4) & halves, x1);
            return;
        }
        part = TQuads.AddProducts(part, levels.First, x0);
        if (HasSecondPart)
            other = TQuads.AddProducts(other, levels.Second, TQuads.Broadcast(*(int*)(quads + TFormat.RunColumns)));
        else if (TFormat.Runs == 2)
            part = TQuads.AddProducts(part, levels.Second, TQuads.Broadcast(*(int*)(quads + TFormat.RunColumns)));
    }

    /// <summary>The parts as one int32 in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Joined(TQuads part, TQuads other)
    {
        if (TQuads.HasWideParts)
            return part;
        var sum = TQuads.MultiplyPairs(part, TQuads.Broadcast(OnePair));
        if (HasPlanes)
            return sum + TQuads.MultiplyPairs(other, TQuads.Broadcast(OnePair << 4));
        return HasSecondPart ? sum + TQuads.MultiplyPairs(other, TQuads.Broadcast(OnePair)) : sum;
    }
}
