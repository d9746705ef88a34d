using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q5_1 in strips: sixteen scales, sixteen minimums, the fifth bits, then quads as in <see cref="PackedQ4_0"/>.</summary>
internal readonly unsafe struct PackedQ5_1 : IIntegerFormat
{
    private static readonly PackedField[] Layout = [new(2, 2), new(4, 5)];

    public static TensorType Type => TensorType.Q5_1;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q5_1Block);

    public static int BlockColumns => 32;

    public static int GroupColumns => 32;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 31;

    public static int Runs => 2;

    public static int RunColumns => 16;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q5_1Block*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        column.Offset(HalfBits.ToSingle(stored->Minimum));
        for (var i = 0; i < 16; i++)
        {
            column.Level(i, (stored->Quants[i] & 0x0F) | (int)(((stored->HighBits >> i) & 1) << 4));
            column.Level(i + 16, (stored->Quants[i] >> 4) | (int)(((stored->HighBits >> (i + 16)) & 1) << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (Unpacking.Halves<TScales>(strip, lane), Unpacking.Halves<TScales>(strip + 2 * Strip.Outputs, lane));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        FifthBits.Levels<TQuads>(strip + 4 * Strip.Outputs, strip + 8 * Strip.Outputs, step, lane);
}
