using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q4_K in strips: scales, scales of the minimums, packed group scales, then 32 quads, eight for each pair of groups.</summary>
internal readonly unsafe struct PackedQ4_K : IIntegerFormat
{
    private const int GroupQuads = 8;

    private static readonly PackedField[] Layout = [new(2, 2), new(1, PackedScales.ByteCount), new(4, 32)];

    public static TensorType Type => TensorType.Q4_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q4_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 32;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 15;

    public static int Runs => 2;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q4_KBlock*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        column.Offset(-HalfBits.ToSingle(stored->MinimumScale));
        SixBitScales.Unpack(stored->Groups, column);
        for (var i = 0; i < 256; i++)
            column.Level(i, (stored->Quants[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 0x0F);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (Unpacking.Halves<TScales>(strip, lane), -Unpacking.Halves<TScales>(strip + 2 * Strip.Outputs, lane));

    public static byte* Groups(byte* strip, byte* scratch) => SixBitScales.Unpack(strip + 4 * Strip.Outputs, scratch);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        Unpacking.Nibbles<TQuads>(strip + 4 * Strip.Outputs + SixBitScales.Bytes, step, lane);
}
