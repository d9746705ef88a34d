using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 6 bits in 16 groups of 16: value = (q - 32) * scale * groupScale. In each half of 128 values, value i (0-31) has
/// its low four bits in the low half of Low[i], value i + 32 in that of Low[i + 32], i + 64 and i + 96 in the high halves of the
/// same bytes, and High[i] holds the upper two bits of these four values.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q6_KBlock : IBlock<Q6_KBlock>
{
    public fixed byte Low[128];
    public fixed byte High[64];
    public fixed sbyte GroupScales[16];
    public ushort Scale;

    public static TensorType Type => TensorType.Q6_K;

    public static int ValueCount => 256;

    public static void Dequantize(Q6_KBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 256; i++)
            values[i] = scale * block->GroupScales[i / 16] * (Quant(block, i) - 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q6_KBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var zero = Vector128.Create((sbyte)32);
        for (var half = 0; half < 2; half++)
        {
            for (var part = 0; part < 2; part++)
            {
                var low = Vector128.Load(block->Low + half * 64 + part * 16);
                var lowNext = Vector128.Load(block->Low + half * 64 + part * 16 + 32);
                var high = Vector128.Load(block->High + half * 32 + part * 16);
                var groups = block->GroupScales + half * 8 + part;
                var output = values + half * 128 + part * 16;
                TFloats.Scale((PackedBits.Low4(low) | (PackedBits.Two(high, 0) << 4)) - zero, scale * groups[0], output);
                TFloats.Scale((PackedBits.Low4(lowNext) | (PackedBits.Two(high, 2) << 4)) - zero, scale * groups[2], output + 32);
                TFloats.Scale((PackedBits.High4(low) | (PackedBits.Two(high, 4) << 4)) - zero, scale * groups[4], output + 64);
                TFloats.Scale((PackedBits.High4(lowNext) | (PackedBits.Two(high, 6) << 4)) - zero, scale * groups[6], output + 96);
            }
        }
    }

    public static void Quantize(float* values, Q6_KBlock* block)
    {
        *block = default;
        var groupScales = stackalloc float[16];
        for (var group = 0; group < 16; group++)
            groupScales[group] = Rounding.SignedPeak(values + group * 16, 16) / -32;
        block->Scale = Rounding.ScaleToHalf(Rounding.SignedPeak(groupScales, 16) / -128);
        var scale = HalfBits.ToSingle(block->Scale);
        for (var group = 0; group < 16; group++)
            block->GroupScales[group] = (sbyte)Rounding.Steps(groupScales[group], scale, -128, 127);
        for (var i = 0; i < 256; i++)
            SetQuant(block, i, Rounding.Steps(values[i], scale * block->GroupScales[i / 16], -32, 31) + 32);
    }

    // value i lies in half i / 128, row (i % 128) / 32 of the half, column i % 32
    private static int Quant(Q6_KBlock* block, int i)
    {
        int half = i / 128, row = i % 128 / 32, column = i % 32;
        var low = block->Low[half * 64 + row % 2 * 32 + column] >> (row / 2 * 4);
        var high = block->High[half * 32 + column] >> (row * 2);
        return (low & 0x0F) | ((high & 3) << 4);
    }

    private static void SetQuant(Q6_KBlock* block, int i, int quant)
    {
        int half = i / 128, row = i % 128 / 32, column = i % 32;
        block->Low[half * 64 + row % 2 * 32 + column] |= (byte)((quant & 0x0F) << (row / 2 * 4));
        block->High[half * 32 + column] |= (byte)((quant >> 4) << (row * 2));
    }
}
