using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The groups of a block as a panel has them: int32 scales, and minimums of 16 bits in pairs.</summary>
internal static unsafe class PanelGroups<TFormat, TQuads>
    where TFormat : struct, IIntegerFormat
    where TQuads : struct, IQuads<TQuads>
{
    /// <summary>Most bytes of scales and minimums.</summary>
    internal const int Bytes = 2 * 16 * Strip.Outputs;

    private static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.BlockColumns / TFormat.GroupColumns;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Unpack(byte* strip, in IntegerPanel panel)
    {
        var scratch = stackalloc byte[Bytes];
        var scales = TFormat.Groups(strip, scratch);
        // Without minimums of their own, groups have their zero times their scale.
        var minimums = TFormat.Zero != 0 ? scales : scales + Count * Strip.Outputs;
        var zero = TQuads.Broadcast(TFormat.Zero);
        var lower = TQuads.Broadcast(0xFFFF);
        for (var lane = 0; lane < Strip.Outputs; lane += TQuads.Count)
        {
            for (var group = 0; group < Count; group++)
                Widen(scales, group, lane).Store(panel.GroupScales + group * IntegerPanel.Outputs + lane);
            for (var pair = 0; pair < TFormat.BlockColumns / 32; pair++)
            {
                var first = Widen(minimums, pair * Count * 32 / TFormat.BlockColumns, lane);
                var second = TFormat.GroupColumns == 32 ? first : Widen(minimums, 2 * pair + 1, lane);
                if (TFormat.Zero != 0)
                    (first, second) = (first * zero, second * zero);
                ((first & lower) | TQuads.ShiftLeft(second, 16)).Store(panel.Minimums + pair * IntegerPanel.Outputs + lane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Widen(byte* bytes, int group, int lane)
    {
        var place = bytes + group * Strip.Outputs + lane;
        return TFormat.Zero != 0 ? TQuads.WidenSBytes((sbyte*)place) : TQuads.WidenBytes(place);
    }
}
