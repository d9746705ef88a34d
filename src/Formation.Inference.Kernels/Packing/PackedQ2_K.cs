using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q2_K in strips: sixteen bytes of group scales and minimums, sixteen quads, a scale, a scale of the minimums.</summary>
internal readonly unsafe struct PackedQ2_K : IIntegerFormat
{
    private const int RunQuads = 8;
    private const int Groups = 16;
    private const int LowPairs = 0x03030303;

    private static readonly PackedField[] Layout = [new(1, Groups), new(4, 16), new(2, 2)];

    public static TensorType Type => TensorType.Q2_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q2_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 16;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 3;

    public static int Runs => 4;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q2_KBlock*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        column.Offset(-HalfBits.ToSingle(stored->MinimumScale));
        for (var group = 0; group < Groups; group++)
        {
            column.GroupScale(group, stored->Groups[group] & 0x0F);
            column.Minimum(group, stored->Groups[group] >> 4);
        }
        for (var i = 0; i < 256; i++)
            column.Level(i, (stored->Quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackScales<TQuads, TFloats>(byte* strip, in IntegerPanel panel)
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        var scales = strip + Groups * Strip.Outputs + 2 * RunQuads * Unpacking.QuadBytes;
        Unpacking.Halves<TFloats>(scales, panel.Scales);
        Unpacking.NegatedHalves<TFloats>(scales + 2 * Strip.Outputs, panel.Offsets);
        var four = Vector128.Create((byte)0x0F);
        // Sixteen runs of scales, sixteen of minimums.
        var bytes = stackalloc byte[2 * Groups * Strip.Outputs];
        var minimums = bytes + Groups * Strip.Outputs;
        for (var group = 0; group < Groups; group++)
        {
            var packed = Vector128.Load(strip + group * Strip.Outputs);
            (packed & four).Store(bytes + group * Strip.Outputs);
            ((packed.AsUInt16() >>> 4).AsByte() & four).Store(minimums + group * Strip.Outputs);
            Unpacking.Widen<TQuads>(bytes + group * Strip.Outputs, panel.GroupScales + group * IntegerPanel.Outputs);
        }
        for (var group = 0; group < Groups; group += 2)
        {
            var minimum = minimums + group * Strip.Outputs;
            Unpacking.WidenPairs<TQuads>(minimum, minimum + Strip.Outputs, panel.Minimums + group / 2 * IntegerPanel.Outputs);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuads<TQuads>
    {
        var packed = Unpacking.Quad<TQuads>(strip + Groups * Strip.Outputs, step, lane);
        var pairs = TQuads.Broadcast(LowPairs);
        return new(
            packed & pairs,
            TQuads.ShiftRight(packed, 2) & pairs,
            TQuads.ShiftRight(packed, 4) & pairs,
            TQuads.ShiftRight(packed, 6) & pairs);
    }
}
