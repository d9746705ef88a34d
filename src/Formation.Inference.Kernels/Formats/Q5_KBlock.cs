using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 5 bits in 8 groups of 32: value = q * scale * groupScale - minimumScale * groupMinimum. The low four bits lie as
/// in Q4_K; the fifth bit of value i of group g is bit g of High[i].
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_KBlock : IBlock<Q5_KBlock>
{
    public ushort Scale;
    public ushort MinimumScale;
    public fixed byte Groups[PackedScales.ByteCount];
    public fixed byte High[32];
    public fixed byte Quants[128];

    public static TensorType Type => TensorType.Q5_K;

    public static int ValueCount => 256;

    public static void Dequantize(Q5_KBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var group = 0; group < 8; group++)
        {
            var (groupScale, groupMinimum) = PackedScales.Get(block->Groups, group);
            for (var i = 0; i < 32; i++)
            {
                var quant = (block->Quants[group / 2 * 32 + i] >> (group % 2 * 4)) & 0x0F;
                quant |= ((block->High[i] >> group) & 1) << 4;
                values[group * 32 + i] = quant * (scale * groupScale) - minimumScale * groupMinimum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q5_KBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        var highFirst = Vector128.Load(block->High);
        var highSecond = Vector128.Load(block->High + 16);
        for (var pair = 0; pair < 4; pair++)
        {
            var (lowScale, lowMinimum) = PackedScales.Get(block->Groups, pair * 2);
            var (highScale, highMinimum) = PackedScales.Get(block->Groups, pair * 2 + 1);
            var lowBit = (byte)(1 << (pair * 2));
            var highBit = (byte)(2 << (pair * 2));
            var first = Vector128.Load(block->Quants + pair * 32);
            var second = Vector128.Load(block->Quants + pair * 32 + 16);
            var output = values + pair * 64;
            var offset = -(minimumScale * lowMinimum);
            var step = scale * lowScale;
            TFloats.ScaleAdd(PackedBits.Low4(first) | PackedBits.WhereSet(highFirst, lowBit, 16), step, offset, output);
            TFloats.ScaleAdd(PackedBits.Low4(second) | PackedBits.WhereSet(highSecond, lowBit, 16), step, offset, output + 16);
            offset = -(minimumScale * highMinimum);
            step = scale * highScale;
            output += 32;
            TFloats.ScaleAdd(PackedBits.High4(first) | PackedBits.WhereSet(highFirst, highBit, 16), step, offset, output);
            TFloats.ScaleAdd(PackedBits.High4(second) | PackedBits.WhereSet(highSecond, highBit, 16), step, offset, output + 16);
        }
    }

    public static void Quantize(float* values, Q5_KBlock* block)
    {
        *block = default;
        (block->Scale, block->MinimumScale) = GroupRanges.Quantize(values, 31, block->Groups);
        for (var i = 0; i < 256; i++)
        {
            var quant = GroupRanges.Quant(values[i], 31, block->Scale, block->MinimumScale, block->Groups, i / 32);
            block->Quants[i / 64 * 32 + i % 32] |= (byte)((quant & 0x0F) << (i / 32 % 2 * 4));
            block->High[i % 32] |= (byte)((quant >> 4) << (i / 32));
        }
    }
}
