using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// Q6_K in strips: 32 quads of lower bits, 16 quads of upper bits, sixteen signed group scales, a scale. The zero, level 32, is
/// expressed as a minimum of 32 times the group scale.
/// </summary>
internal readonly unsafe struct PackedQ6_K : IIntegerFormat
{
    private const int Middle = 32;
    private const int HalfQuads = 16;
    private const int RunQuads = 8;
    private const int GroupCount = 16;
    private const int LowHalves = 0x0F0F0F0F;
    private const int LowPairs = 0x03030303;

    private static readonly PackedField[] Layout = [new(4, 32), new(4, 16), new(1, GroupCount), new(2, 1)];

    public static TensorType Type => TensorType.Q6_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q6_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 16;

    public static int Zero => 32;

    public static bool HasOffsets => true;

    public static int LargestLevel => 63;

    public static int Runs => 4;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q6_KBlock*)block;
        var scale = HalfBits.ToSingle(stored->Scale);
        column.Scale(scale);
        column.Offset(-scale);
        for (var group = 0; group < GroupCount; group++)
        {
            column.GroupScale(group, stored->GroupScales[group]);
            column.Minimum(group, Middle * stored->GroupScales[group]);
        }
        for (var i = 0; i < 256; i++)
        {
            int half = i / 128, run = i % 128 / 32, k = i % 32;
            var low = (stored->Low[half * 64 + run % 2 * 32 + k] >> (run / 2 * 4)) & 0x0F;
            var high = (stored->High[half * 32 + k] >> (run * 2)) & 3;
            column.Level(i, low | (high << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales>
    {
        var scale = Unpacking.Halves<TScales>(strip + 3 * HalfQuads * Unpacking.QuadBytes + GroupCount * Strip.Outputs, lane);
        return (scale, -scale);
    }

    // They are stored as they are needed.
    public static byte* Groups(byte* strip, byte* scratch) => strip + 3 * HalfQuads * Unpacking.QuadBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var low = strip + step / RunQuads * HalfQuads * Unpacking.QuadBytes;
        var first = Unpacking.Quad<TQuads>(low, step % RunQuads, lane);
        var second = Unpacking.Quad<TQuads>(low, RunQuads + step % RunQuads, lane);
        var high = Unpacking.Quad<TQuads>(strip + 2 * HalfQuads * Unpacking.QuadBytes, step, lane);
        return new(
            Join(first, high),
            Join(second, TQuads.ShiftRight(high, 2)),
            Join(TQuads.ShiftRight(first, 4), TQuads.ShiftRight(high, 4)),
            Join(TQuads.ShiftRight(second, 4), TQuads.ShiftRight(high, 6)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Join<TQuads>(TQuads low, TQuads high)
        where TQuads : struct, IQuadBits<TQuads> =>
        (low & TQuads.Broadcast(LowHalves)) | TQuads.ShiftLeft(high & TQuads.Broadcast(LowPairs), 4);
}
