using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q8_0 in strips: sixteen scales, then eight quads of signed bytes. A level is the byte plus 128, which is its highest bit turned.</summary>
internal readonly unsafe struct PackedQ8_0 : IIntegerFormat
{
    private const int HighestBits = unchecked((int)0x80808080);

    private static readonly PackedField[] Layout = [new(2, 1), new(4, 8)];

    public static TensorType Type => TensorType.Q8_0;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q8_0Block);

    public static int BlockColumns => 32;

    public static int GroupColumns => 32;

    public static int Zero => 128;

    public static bool HasOffsets => false;

    public static int LargestLevel => 255;

    public static int Runs => 1;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q8_0Block*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        for (var i = 0; i < 32; i++)
            column.Level(i, stored->Quants[i] + 128);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (Unpacking.Halves<TScales>(strip, lane), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        new(Unpacking.Quad<TQuads>(strip + 2 * Strip.Outputs, step, lane) ^ TQuads.Broadcast(HighestBits));
}
