using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>IQ4_NL in strips: sixteen scales, then four quads of indices as in <see cref="PackedQ4_0"/>.</summary>
internal readonly unsafe struct PackedIQ4_NL : IIntegerFormat
{
    private static readonly PackedField[] Layout = [new(2, 1), new(4, 4)];

    public static TensorType Type => TensorType.IQ4_NL;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(IQ4_NLBlock);

    public static int BlockColumns => 32;

    public static int GroupColumns => 32;

    public static int Zero => LevelTable.IQ4Zero;

    public static bool HasOffsets => false;

    public static int LargestLevel => 241;

    public static int Runs => 2;

    public static int RunColumns => 16;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (IQ4_NLBlock*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        LevelTable.Unpack(LevelTable.IQ4, stored->Quants, 0, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (Unpacking.Halves<TScales>(strip, lane), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        LevelTable.Levels<TQuads>(LevelTable.IQ4, strip + 2 * Strip.Outputs, step, lane);
}
