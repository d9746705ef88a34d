using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>MXFP4 in strips: sixteen exponents, then four quads of indices as in <see cref="PackedQ4_0"/>.</summary>
internal readonly unsafe struct PackedMXFP4 : IIntegerFormat
{
    private static readonly PackedField[] Layout = [new(1, 1), new(4, 4)];

    public static TensorType Type => TensorType.MXFP4;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(MXFP4Block);

    public static int BlockColumns => 32;

    public static int GroupColumns => 32;

    public static int Zero => LevelTable.E2M1Zero;

    public static bool HasOffsets => false;

    public static int LargestLevel => 24;

    public static int Runs => 2;

    public static int RunColumns => 16;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (MXFP4Block*)block;
        column.Scale(E8M0.HalfToSingle(stored->Exponent));
        LevelTable.Unpack(LevelTable.E2M1, stored->Quants, 0, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (TScales.LoadHalfPowers(strip + lane), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        LevelTable.Levels<TQuads>(LevelTable.E2M1, strip + Strip.Outputs, step, lane);
}
