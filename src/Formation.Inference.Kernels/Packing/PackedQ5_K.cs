using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q5_K in strips: as <see cref="PackedQ4_K"/>, with eight quads of fifth bits (bit g for group g) before the others.</summary>
internal readonly unsafe struct PackedQ5_K : IIntegerFormat
{
    private const int GroupQuads = 8;
    private const int LowHalves = 0x0F0F0F0F;
    private const int FifthBits = 0x10101010;

    private static readonly PackedField[] Layout = [new(2, 2), new(1, PackedScales.ByteCount), new(4, 8), new(4, 32)];

    public static TensorType Type => TensorType.Q5_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q5_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 32;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 31;

    public static int Runs => 2;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q5_KBlock*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        column.Offset(-HalfBits.ToSingle(stored->MinimumScale));
        SixBitScales.Unpack(stored->Groups, column);
        for (var i = 0; i < 256; i++)
        {
            var low = (stored->Quants[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 0x0F;
            column.Level(i, low | (((stored->High[i % 32] >> (i / 32)) & 1) << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales> =>
        (Unpacking.Halves<TScales>(strip, lane), -Unpacking.Halves<TScales>(strip + 2 * Strip.Outputs, lane));

    public static byte* Groups(byte* strip, byte* scratch) => SixBitScales.Unpack(strip + 4 * Strip.Outputs, scratch);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var fifths = strip + 4 * Strip.Outputs + SixBitScales.Bytes;
        var low = Unpacking.Nibbles<TQuads>(fifths + GroupQuads * Unpacking.QuadBytes, step, lane);
        // The first of a pair of groups has the lower of two bits.
        var fifth = TQuads.ShiftRightBy(Unpacking.Quad<TQuads>(fifths, step % GroupQuads, lane), (int)step / GroupQuads * 2);
        fifth = TQuads.ShiftLeft(fifth, 4);
        var bit = TQuads.Broadcast(FifthBits);
        return new(low.First | (fifth & bit), low.Second | (TQuads.ShiftRight(fifth, 1) & bit));
    }
}
