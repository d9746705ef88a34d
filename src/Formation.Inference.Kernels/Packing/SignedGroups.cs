using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Signed group scales of a format whose zero is a level in the middle: that level's part is taken off as a minimum.</summary>
internal static unsafe class SignedGroups
{
    /// <summary>Writes sixteen groups of sixteen columns.</summary>
    /// <param name="scales">Shape: (16 groups, 16 outputs).</param>
    /// <param name="middle">The level that stands for zero.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Unpack<TQuads>(sbyte* scales, int middle, in IntegerPanel panel)
        where TQuads : struct, IQuads<TQuads>
    {
        var lower = TQuads.Broadcast(0xFFFF);
        for (var group = 0; group < 16; group += 2)
        {
            for (var i = 0; i < Strip.Outputs; i += TQuads.Count)
            {
                var first = TQuads.WidenSBytes(scales + group * Strip.Outputs + i);
                var second = TQuads.WidenSBytes(scales + (group + 1) * Strip.Outputs + i);
                first.Store(panel.GroupScales + group * IntegerPanel.Outputs + i);
                second.Store(panel.GroupScales + (group + 1) * IntegerPanel.Outputs + i);
                var pair = ((first * TQuads.Broadcast(middle)) & lower) | TQuads.ShiftLeft(second * TQuads.Broadcast(middle), 16);
                pair.Store(panel.Minimums + group / 2 * IntegerPanel.Outputs + i);
            }
        }
    }
}
