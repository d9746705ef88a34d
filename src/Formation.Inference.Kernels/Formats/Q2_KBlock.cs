using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 2 bits in 16 groups of 16: value = q * scale * groupScale - minimumScale * groupMinimum, a group's 4-bit scale and
/// minimum in the low and high half of its byte. In each half of 128 values, byte i (0-31) holds values i, i + 32, i + 64 and i +
/// 96 from its low bits up.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q2_KBlock : IBlock<Q2_KBlock>
{
    public fixed byte Groups[16];
    public fixed byte Quants[64];
    public ushort Scale;
    public ushort MinimumScale;

    public static TensorType Type => TensorType.Q2_K;

    public static int ValueCount => 256;

    public static void Dequantize(Q2_KBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var i = 0; i < 256; i++)
        {
            var quant = (block->Quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
            var group = block->Groups[i / 16];
            values[i] = quant * (scale * (group & 0x0F)) - minimumScale * (group >> 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q2_KBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var half = 0; half < 2; half++)
        {
            for (var part = 0; part < 2; part++)
            {
                var packed = Vector128.Load(block->Quants + half * 32 + part * 16);
                var groups = block->Groups + half * 8 + part;
                var output = values + half * 128 + part * 16;
                TFloats.ScaleAdd(PackedBits.Two(packed, 0), scale * (groups[0] & 0x0F), -(minimumScale * (groups[0] >> 4)), output);
                TFloats.ScaleAdd(PackedBits.Two(packed, 2), scale * (groups[2] & 0x0F), -(minimumScale * (groups[2] >> 4)), output + 32);
                TFloats.ScaleAdd(PackedBits.Two(packed, 4), scale * (groups[4] & 0x0F), -(minimumScale * (groups[4] >> 4)), output + 64);
                TFloats.ScaleAdd(PackedBits.Two(packed, 6), scale * (groups[6] & 0x0F), -(minimumScale * (groups[6] >> 4)), output + 96);
            }
        }
    }

    public static void Quantize(float* values, Q2_KBlock* block)
    {
        *block = default;
        var scales = stackalloc float[16];
        var minimums = stackalloc float[16];
        for (var group = 0; group < 16; group++)
        {
            var (minimum, maximum) = Rounding.Range(values + group * 16, 16);
            // A group's minimum is subtracted, so it can't lie above zero.
            minimum = MathF.Min(minimum, 0);
            scales[group] = (maximum - minimum) / 3;
            minimums[group] = -minimum;
        }
        block->Scale = Rounding.ScaleToHalf(Rounding.SignedPeak(scales, 16) / 15);
        block->MinimumScale = Rounding.ScaleToHalf(Rounding.SignedPeak(minimums, 16) / 15);
        var scale = HalfBits.ToSingle(block->Scale);
        var minimumScale = HalfBits.ToSingle(block->MinimumScale);
        for (var group = 0; group < 16; group++)
        {
            var groupScale = Rounding.Steps(scales[group], scale, 0, 15);
            var groupMinimum = Rounding.Steps(minimums[group], minimumScale, 0, 15);
            block->Groups[group] = (byte)(groupScale | (groupMinimum << 4));
        }
        for (var i = 0; i < 256; i++)
        {
            var group = block->Groups[i / 16];
            var quant = Rounding.Steps(values[i] + minimumScale * (group >> 4), scale * (group & 0x0F), 0, 3);
            block->Quants[i / 128 * 32 + i % 32] |= (byte)(quant << (i % 128 / 32 * 2));
        }
    }
}
