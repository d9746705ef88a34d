using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// Q3_K in strips: eight quads of third bits (bit r for columns 32r to 32r + 31), sixteen quads of lower bits, packed group scales, a
/// scale. The zero is level 4.
/// </summary>
internal readonly unsafe struct PackedQ3_K : IIntegerFormat
{
    private const int Middle = 4;
    private const int RunQuads = 8;
    private const int GroupCount = 16;
    private const int ScaleMiddle = 32;
    private const int LowPairs = 0x03030303;
    private const int ThirdBits = 0x04040404;

    private static readonly PackedField[] Layout = [new(4, 8), new(4, 16), new(1, 12), new(2, 1)];

    public static TensorType Type => TensorType.Q3_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q3_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 16;

    public static int Zero => 4;

    public static bool HasOffsets => true;

    public static int LargestLevel => 7;

    public static int Runs => 4;

    public static int RunColumns => 32;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q3_KBlock*)block;
        var scale = HalfBits.ToSingle(stored->Scale);
        column.Scale(scale);
        column.Offset(-scale);
        for (var group = 0; group < GroupCount; group++)
        {
            var low = (stored->Groups[group % 8] >> (group / 8 * 4)) & 0x0F;
            var high = (stored->Groups[8 + group % 4] >> (group / 4 * 2)) & 3;
            var groupScale = (low | (high << 4)) - ScaleMiddle;
            column.GroupScale(group, groupScale);
            column.Minimum(group, Middle * groupScale);
        }
        for (var i = 0; i < 256; i++)
        {
            var low = (stored->Quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
            column.Level(i, low | (((stored->High[i % 32] >> (i / 32)) & 1) << 2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales>
    {
        var scale = Unpacking.Halves<TScales>(strip + 3 * RunQuads * Unpacking.QuadBytes + 12 * Strip.Outputs, lane);
        return (scale, -scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Groups(byte* strip, byte* scratch)
    {
        var packed = strip + 3 * RunQuads * Unpacking.QuadBytes;
        var four = Vector128.Create((byte)0x0F);
        var top = Vector128.Create((byte)0x30);
        var middle = Vector128.Create((byte)ScaleMiddle);
        for (var i = 0; i < 4; i++)
        {
            var first = Vector128.Load(packed + i * Strip.Outputs);
            var second = Vector128.Load(packed + (i + 4) * Strip.Outputs);
            var upper = Vector128.Load(packed + (i + 8) * Strip.Outputs).AsUInt16();
            Store(i, (first & four) | ((upper << 4).AsByte() & top));
            Store(i + 4, (second & four) | ((upper << 2).AsByte() & top));
            Store(i + 8, ((first.AsUInt16() >>> 4).AsByte() & four) | (upper.AsByte() & top));
            Store(i + 12, ((second.AsUInt16() >>> 4).AsByte() & four) | ((upper >>> 2).AsByte() & top));
        }
        return scratch;

        void Store(int group, Vector128<byte> codes) => (codes - middle).Store(scratch + group * Strip.Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var packed = Unpacking.Quad<TQuads>(strip + RunQuads * Unpacking.QuadBytes, step, lane);
        // The second half of the columns has the upper four bits.
        var third = TQuads.ShiftRightBy(Unpacking.Quad<TQuads>(strip, step % RunQuads, lane), (int)step / RunQuads * 4);
        var pairs = TQuads.Broadcast(LowPairs);
        var bit = TQuads.Broadcast(ThirdBits);
        return new(
            (packed & pairs) | (TQuads.ShiftLeft(third, 2) & bit),
            (TQuads.ShiftRight(packed, 2) & pairs) | (TQuads.ShiftLeft(third, 1) & bit),
            (TQuads.ShiftRight(packed, 4) & pairs) | (third & bit),
            (TQuads.ShiftRight(packed, 6) & pairs) | (TQuads.ShiftRight(third, 1) & bit));
    }
}
