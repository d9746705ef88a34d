using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>
/// IQ4_XS in strips: scales, upper and lower bits of the group scales, then 32 quads of indices, four for each group. The zero, level 128, is
/// expressed as a minimum of 128 times the group scale.
/// </summary>
internal readonly unsafe struct PackedIQ4_XS : IIntegerFormat
{
    private const int GroupCount = 8;
    private const int ScaleMiddle = 32;

    private static readonly PackedField[] Layout = [new(2, 2), new(1, GroupCount / 2), new(4, 32)];

    public static TensorType Type => TensorType.IQ4_XS;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(IQ4_XSBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 32;

    public static int Zero => LevelTable.IQ4Zero;

    public static bool HasOffsets => true;

    public static int LargestLevel => 241;

    public static int Runs => 2;

    public static int RunColumns => 16;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (IQ4_XSBlock*)block;
        var scale = HalfBits.ToSingle(stored->Scale);
        column.Scale(scale);
        column.Offset(-scale);
        for (var group = 0; group < GroupCount; group++)
        {
            var low = (stored->GroupScalesLow[group / 2] >> (group % 2 * 4)) & 0x0F;
            var groupScale = (low | (((stored->GroupScalesHigh >> (group * 2)) & 3) << 4)) - ScaleMiddle;
            column.GroupScale(group, groupScale);
            column.Minimum(2 * group, LevelTable.IQ4Zero * groupScale);
            column.Minimum(2 * group + 1, LevelTable.IQ4Zero * groupScale);
            LevelTable.Unpack(LevelTable.IQ4, stored->Quants + group * 16, group * 32, column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TScales Scale, TScales Offset) Scales<TScales>(byte* strip, int lane)
        where TScales : struct, IScales<TScales>
    {
        var scale = Unpacking.Halves<TScales>(strip, lane);
        return (scale, -scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Groups(byte* strip, byte* scratch)
    {
        var four = Vector128.Create((byte)0x0F);
        var top = Vector128.Create((byte)0x30);
        var middle = Vector128.Create((byte)ScaleMiddle);
        var low = strip + 4 * Strip.Outputs;
        // Two bits of a group in every number, first in place of a byte's bits 4 and 5.
        var high0 = Vector128.Load((ushort*)(strip + 2 * Strip.Outputs));
        var high1 = Vector128.Load((ushort*)(strip + 2 * Strip.Outputs) + 8);
        for (var group = 0; group < GroupCount; group += 2)
        {
            var packed = Vector128.Load(low + group / 2 * Strip.Outputs);
            var upper = Vector128.Narrow(high0 << 4 & Vector128.Create((ushort)0xFF), high1 << 4 & Vector128.Create((ushort)0xFF));
            ((packed & four | upper & top) - middle).Store(scratch + group * Strip.Outputs);
            packed = (packed.AsUInt16() >>> 4).AsByte() & four;
            upper = (upper.AsUInt16() >>> 2).AsByte();
            ((packed | upper & top) - middle).Store(scratch + (group + 1) * Strip.Outputs);
            (high0, high1) = (high0 >>> 4, high1 >>> 4);
        }
        return scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunLevels<TQuads> Levels<TQuads>(byte* strip, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads> =>
        LevelTable.Levels<TQuads>(LevelTable.IQ4, strip + (4 + GroupCount / 2) * Strip.Outputs, step, lane);
}
