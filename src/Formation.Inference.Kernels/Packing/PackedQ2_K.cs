using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q2_K in strips: sixteen bytes of group scales and minimums, sixteen quads, a scale, a scale of the minimums.</summary>
internal readonly unsafe struct PackedQ2_K : IIntegerFormat
{
    private const int RunQuads = 8;
    private const int GroupCount = 16;
    private const int LowPairs = 0x03030303;

    private static readonly PackedField[] Layout = [new(1, GroupCount), new(4, 16), new(2, 2)];

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
        for (var group = 0; group < GroupCount; group++)
        {
            column.GroupScale(group, stored->Groups[group] & 0x0F);
            column.Minimum(group, stored->Groups[group] >> 4);
        }
        for (var i = 0; i < 256; i++)
            column.Level(i, (stored->Quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales>
    {
        var halves = strip + GroupCount * Strip.Outputs + 2 * RunQuads * Unpacking.QuadBytes;
        return (Unpacking.Halves<TScales>(halves, lane), -Unpacking.Halves<TScales>(halves + 2 * Strip.Outputs, lane));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Groups(byte* strip, byte* scratch)
    {
        // Two groups at a time.
        var four = Vector256.Create((byte)0x0F);
        for (var place = 0; place < GroupCount * Strip.Outputs; place += 2 * Strip.Outputs)
        {
            var packed = Vector256.Load(strip + place);
            (packed & four).Store(scratch + place);
            ((packed.AsUInt16() >>> 4).AsByte() & four).Store(scratch + GroupCount * Strip.Outputs + place);
        }
        return scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var packed = Unpacking.Quad<TQuads>(strip + GroupCount * Strip.Outputs, step, lane);
        var pairs = TQuads.Broadcast(LowPairs);
        return new(
            packed & pairs,
            TQuads.ShiftRight(packed, 2) & pairs,
            TQuads.ShiftRight(packed, 4) & pairs,
            TQuads.ShiftRight(packed, 6) & pairs);
    }
}
