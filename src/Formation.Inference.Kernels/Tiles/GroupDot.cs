using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// <see cref="StripDot{TQuads, TFloats, TFormat}"/> for formats with groups: a pass of quads is multiplied by its groups' scales, and the
/// sums of a block's groups by its scale.
/// </summary>
internal static unsafe class GroupDot<TQuads, TFloats, TFormat>
    where TQuads : struct, IQuads<TQuads>
    where TFloats : struct, IFloats<TFloats>
    where TFormat : struct, IIntegerFormat
{
    private const int LowHalves = 0x0F0F0F0F;

    // Levels of 8 bits are multiplied as two halves of 4 bits where no instruction takes them whole.
    private static bool HasPlanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TQuads.HasWideParts && TFormat.LargestLevel > 127;
    }

    // Quads whose products can be added in 16 bits, see IntegerTile; at most a run's, and a group's.
    private static int QuadsPerPass
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var most = TQuads.HasWideParts || TFormat.LargestLevel is <= 15 or > 127 ? 8 : TFormat.LargestLevel <= 31 ? 4 : 2;
            return Math.Min(most, Math.Min(TFormat.RunColumns, TFormat.GroupColumns) / 4);
        }
    }

    /// <summary>Adds the products of whole blocks to the sums of sixteen outputs.</summary>
    /// <param name="strip">The first block.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Accumulate(byte* strip, int blocks, in InputRows x, float* sums)
    {
        int runs = TFormat.Runs, runColumns = TFormat.RunColumns, quadsPerPass = QuadsPerPass, blockColumns = TFormat.BlockColumns;
        var blockBytes = Strip.Outputs * TFormat.BlockBytes;
        var planes = HasPlanes;
        float* inputScales = x.Scales(0);
        var inputSums = x.Sums(0);
        var zero = TQuads.Broadcast(0);
        var input = x.Quants(0);
        var scales = stackalloc float[2 * Strip.Outputs];
        var scratch = stackalloc byte[PanelGroups<TFormat, TQuads>.Bytes + Strip.Outputs];
        for (var block = 0; block < blocks; block++, strip += blockBytes, input += blockColumns)
        {
            var ahead = strip + StripPrefetch.Bytes;
            StripPrefetch<TFormat>.Block(ahead);
            Unpacking.Scales<TFormat, TFloats>(strip, scales, scales + Strip.Outputs);
            var groups = TFormat.Groups(strip, scratch);
            for (var lane = 0; lane < Strip.Outputs; lane += TQuads.Count)
            {
                var sum = zero;
                nuint step = 0;
                for (uint column = 0; column < blockColumns; column += (uint)((runs - 1) * runColumns))
                {
                    for (var end = column + (uint)runColumns; column < end; column += (uint)(4 * quadsPerPass))
                    {
                        TQuads part0 = zero, part1 = zero, part2 = zero, part3 = zero;
                        var quads = input + column;
                        for (var last = step + (nuint)quadsPerPass; step < last; step += 2, quads += 8)
                        {
                            AddStep(strip, step, lane, ahead, quads, ref part0, ref part1, ref part2, ref part3);
                            AddStep(strip, step + 1, lane, ahead, quads + 4, ref part0, ref part1, ref part2, ref part3);
                        }
                        sum = TQuads.AddScaled(sum, part0, Scale(groups, column, lane));
                        if (runs > 1)
                            sum = TQuads.AddScaled(sum, part1, Scale(groups, column + (uint)runColumns, lane));
                        if (planes)
                        {
                            sum = TQuads.AddScaled(sum, part2, UpperScale(groups, column, lane));
                            if (runs > 1)
                                sum = TQuads.AddScaled(sum, part3, UpperScale(groups, column + (uint)runColumns, lane));
                        }
                        if (runs > 2)
                        {
                            sum = TQuads.AddScaled(sum, part2, Scale(groups, column + 2 * (uint)runColumns, lane));
                            sum = TQuads.AddScaled(sum, part3, Scale(groups, column + 3 * (uint)runColumns, lane));
                        }
                    }
                }
                Finish(sum, scales + lane, groups + lane, inputScales + block, inputSums + block * (blockColumns / 16), sums + lane);
            }
        }
    }

    /// <summary>Adds a quad of each run to its part; where levels have two planes, the upper ones to the third and fourth part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep(
        byte* strip, nuint step, int lane, byte* ahead, sbyte* quads, ref TQuads part0, ref TQuads part1, ref TQuads part2, ref TQuads part3)
    {
        if (lane == 0)
            StripPrefetch<TFormat>.Step(ahead, step);
        var levels = TFormat.Levels<TQuads>(strip, step, lane);
        var x0 = TQuads.Broadcast(*(int*)quads);
        if (HasPlanes)
        {
            var halves = TQuads.Broadcast(LowHalves);
            part0 = TQuads.AddProducts(part0, levels.First & halves, x0);
            part2 = TQuads.AddProducts(part2, TQuads.ShiftRight(levels.First, 4) & halves, x0);
            if (TFormat.Runs > 1)
            {
                var x1 = TQuads.Broadcast(*(int*)(quads + TFormat.RunColumns));
                part1 = TQuads.AddProducts(part1, levels.Second & halves, x1);
                part3 = TQuads.AddProducts(part3, TQuads.ShiftRight(levels.Second, 4) & halves, x1);
            }
            return;
        }
        part0 = TQuads.AddProducts(part0, levels.First, x0);
        if (TFormat.Runs > 1)
            part1 = TQuads.AddProducts(part1, levels.Second, TQuads.Broadcast(*(int*)(quads + TFormat.RunColumns)));
        if (TFormat.Runs > 2)
        {
            part2 = TQuads.AddProducts(part2, levels.Third, TQuads.Broadcast(*(int*)(quads + 2 * TFormat.RunColumns)));
            part3 = TQuads.AddProducts(part3, levels.Fourth, TQuads.Broadcast(*(int*)(quads + 3 * TFormat.RunColumns)));
        }
    }

    /// <summary>The integer scale of a column's group, twice where a part is a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Scale(byte* groups, uint column, int lane)
    {
        var bytes = groups + column / (uint)TFormat.GroupColumns * Strip.Outputs + lane;
        if (TQuads.HasWideParts)
            return TFormat.Zero != 0 ? TQuads.WidenSBytes((sbyte*)bytes) : TQuads.WidenBytes(bytes);
        return Pair(bytes);
    }

    /// <summary>The same for the upper halves of levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads UpperScale(byte* groups, uint column, int lane)
    {
        var scale = TQuads.ShiftLeft(TQuads.WidenSBytes((sbyte*)groups + column / (uint)TFormat.GroupColumns * Strip.Outputs + lane), 4);
        return (scale & TQuads.Broadcast(0xFFFF)) | TQuads.ShiftLeft(scale, 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Pair(byte* bytes) => TFormat.Zero != 0 ? TQuads.PairSBytes((sbyte*)bytes) : TQuads.PairBytes(bytes);

    /// <param name="scales">Of the block; its offsets follow sixteen numbers further on.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(TQuads sum, float* scales, byte* groups, float* inputScale, short* inputSums, float* sums)
    {
        TQuads.AddScaledFloats(sum, scales, *inputScale, sums);
        TQuads.AddScaledFloats(Offset(groups, inputSums), scales + Strip.Outputs, *inputScale, sums);
    }

    /// <summary>The sum of minimums times input sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Offset(byte* groups, short* inputSums)
    {
        var count = TFormat.BlockColumns / TFormat.GroupColumns;
        var minimums = TFormat.Zero != 0 ? groups : groups + count * Strip.Outputs;
        var offset = TQuads.Broadcast(0);
        for (var group = 0; group < count; group++)
        {
            // Two sums of sixteen columns, or one and nothing.
            var pair = TFormat.GroupColumns == 32 ? ((int*)inputSums)[group] : (ushort)inputSums[group];
            offset += TQuads.MultiplyPairs(Pair(minimums + group * Strip.Outputs), TQuads.Broadcast(pair));
        }
        return TFormat.Zero != 0 ? offset * TQuads.Broadcast(TFormat.Zero) : offset;
    }
}
