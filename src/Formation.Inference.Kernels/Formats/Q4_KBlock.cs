using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 4 bits in 8 groups of 32: value = q * scale * groupScale - minimumScale * groupMinimum. Groups 2n and 2n + 1 are
/// the low and the high halves of bytes 32n to 32n + 31.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q4_KBlock : IBlock<Q4_KBlock>
{
    public ushort Scale;
    public ushort MinimumScale;
    public fixed byte Groups[PackedScales.ByteCount];
    public fixed byte Quants[128];

    public static TensorType Type => TensorType.Q4_K;

    public static int ValueCount => 256;

    public static void Dequantize(Q4_KBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var group = 0; group < 8; group++)
        {
            var (groupScale, groupMinimum) = PackedScales.Get(block->Groups, group);
            for (var i = 0; i < 32; i++)
            {
                var quant = (block->Quants[group / 2 * 32 + i] >> (group % 2 * 4)) & 0x0F;
                values[group * 32 + i] = quant * (scale * groupScale) - minimumScale * groupMinimum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q4_KBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var pair = 0; pair < 4; pair++)
        {
            var (lowScale, lowMinimum) = PackedScales.Get(block->Groups, pair * 2);
            var (highScale, highMinimum) = PackedScales.Get(block->Groups, pair * 2 + 1);
            var first = Vector128.Load(block->Quants + pair * 32);
            var second = Vector128.Load(block->Quants + pair * 32 + 16);
            var output = values + pair * 64;
            TFloats.ScaleAdd(PackedBits.Low4(first), scale * lowScale, -(minimumScale * lowMinimum), output);
            TFloats.ScaleAdd(PackedBits.Low4(second), scale * lowScale, -(minimumScale * lowMinimum), output + 16);
            TFloats.ScaleAdd(PackedBits.High4(first), scale * highScale, -(minimumScale * highMinimum), output + 32);
            TFloats.ScaleAdd(PackedBits.High4(second), scale * highScale, -(minimumScale * highMinimum), output + 48);
        }
    }

    public static void Quantize(float* values, Q4_KBlock* block)
    {
        *block = default;
        (block->Scale, block->MinimumScale) = GroupRanges.Quantize(values, 15, block->Groups);
        for (var i = 0; i < 256; i++)
        {
            var quant = GroupRanges.Quant(values[i], 15, block->Scale, block->MinimumScale, block->Groups, i / 32);
            block->Quants[i / 64 * 32 + i % 32] |= (byte)(quant << (i / 32 % 2 * 4));
        }
    }
}
