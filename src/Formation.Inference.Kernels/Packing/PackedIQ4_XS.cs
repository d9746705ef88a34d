using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// IQ4_XS in strips: scales, upper and lower bits of the group scales, then 32 quads of indices, four for each group. The zero, level 128, is
/// expressed as a minimum of 128 times the group scale.
/// </summary>
internal readonly unsafe struct PackedIQ4_XS : IIntegerFormat
{
    private const int Groups = 8;
    private const int ScaleMiddle = 32;

    private static readonly PackedField[] Layout = [new(2, 2), new(1, Groups / 2), new(4, 32)];

    public static TensorType Type => TensorType.IQ4_XS;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(IQ4_XSBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 32;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 241;

    public static int Runs => 2;

    public static int RunColumns => 16;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (IQ4_XSBlock*)block;
        var scale = HalfBits.ToSingle(stored->Scale);
        column.Scale(scale);
        column.Offset(-scale);
        for (var group = 0; group < Groups; group++)
        {
            var low = (stored->GroupScalesLow[group / 2] >> (group % 2 * 4)) & 0x0F;
            var groupScale = (low | (((stored->GroupScalesHigh >> (group * 2)) & 3) << 4)) - ScaleMiddle;
            column.GroupScale(group, groupScale);
            column.Minimum(2 * group, LevelTable.IQ4Zero * groupScale);
            column.Minimum(2 * group + 1, LevelTable.IQ4Zero * groupScale);
            LevelTable.Unpack(LevelTable.IQ4, stored->Quants + group * 16, group * 32, column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackScales<TQuads, TFloats>(byte* strip, in IntegerPanel panel)
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        Unpacking.Halves<TFloats>(strip, panel.Scales);
        Unpacking.NegatedHalves<TFloats>(strip, panel.Offsets);
        var high = strip + 2 * Strip.Outputs;
        var low = strip + 4 * Strip.Outputs;
        var middle = TQuads.Broadcast(-ScaleMiddle);
        var lower = TQuads.Broadcast(0xFFFF);
        for (var i = 0; i < Strip.Outputs; i += TQuads.Count)
        {
            var highs = TQuads.WidenWords((ushort*)high + i);
            for (var group = 0; group < Groups; group++)
            {
                var lows = TQuads.ShiftRightBy(TQuads.WidenBytes(low + group / 2 * Strip.Outputs + i), group % 2 * 4);
                var code = (lows & TQuads.Broadcast(0x0F)) | TQuads.ShiftLeft(highs & TQuads.Broadcast(3), 4);
                var scale = code + middle;
                scale.Store(panel.GroupScales + group * IntegerPanel.Outputs + i);
                var minimum = scale * TQuads.Broadcast(LevelTable.IQ4Zero);
                ((minimum & lower) | TQuads.ShiftLeft(minimum, 16)).Store(panel.Minimums + group * IntegerPanel.Outputs + i);
                highs = TQuads.ShiftRight(highs, 2);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuads<TQuads> =>
        LevelTable.Levels<TQuads>(LevelTable.IQ4, strip + (4 + Groups / 2) * Strip.Outputs, step, lane);
}
