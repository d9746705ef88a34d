using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 4 bits with uneven steps in 8 groups of 32: value = IQ4 level of q * scale * (groupScale - 32). Group n has bytes 16n to
/// 16n + 15, value i of it in the low half of byte i and value i + 16 in the high half. A group's scale has 6 bits: the low four in the
/// low (even groups) or high half of GroupScalesLow[n / 2], the upper two at bit 2n of GroupScalesHigh.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ4_XSBlock : IBlock<IQ4_XSBlock>
{
    private const int Groups = 8;

    public ushort Scale;
    public ushort GroupScalesHigh;
    public fixed byte GroupScalesLow[Groups / 2];
    public fixed byte Quants[128];

    public static TensorType Type => TensorType.IQ4_XS;

    public static int ValueCount => 256;

    public static void Dequantize(IQ4_XSBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var group = 0; group < Groups; group++)
        {
            var groupScale = scale * GroupScale(block, group);
            NonLinearLevels.Dequantize(NonLinearLevels.IQ4, block->Quants + group * 16, groupScale, values + group * 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(IQ4_XSBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var group = 0; group < Groups; group++)
        {
            var groupScale = scale * GroupScale(block, group);
            NonLinearLevels.Dequantize<TFloats>(NonLinearLevels.IQ4, block->Quants + group * 16, groupScale, values + group * 32);
        }
    }

    public static void Quantize(float* values, IQ4_XSBlock* block)
    {
        *block = default;
        var groupScales = stackalloc float[Groups];
        for (var group = 0; group < Groups; group++)
            groupScales[group] = IQ4Group.Scale(values + group * 32);
        block->Scale = Rounding.ScaleToHalf(Rounding.SignedPeak(groupScales, Groups) / -32);
        var scale = HalfBits.ToSingle(block->Scale);
        for (var group = 0; group < Groups; group++)
        {
            var steps = Rounding.Steps(groupScales[group], scale, -32, 31);
            SetGroupScale(block, group, steps);
            IQ4Group.Quantize(values + group * 32, scale * steps, block->Quants + group * 16);
        }
    }

    private static int GroupScale(IQ4_XSBlock* block, int group)
    {
        var low = (block->GroupScalesLow[group / 2] >> (group % 2 * 4)) & 0x0F;
        var high = (block->GroupScalesHigh >> (group * 2)) & 3;
        return (low | (high << 4)) - 32;
    }

    private static void SetGroupScale(IQ4_XSBlock* block, int group, int steps)
    {
        var stored = steps + 32;
        block->GroupScalesLow[group / 2] |= (byte)((stored & 0x0F) << (group % 2 * 4));
        block->GroupScalesHigh |= (ushort)((stored >> 4) << (group * 2));
    }
}
