using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 256 values of 3 bits in 16 groups of 16: value = (q - 4) * scale * (groupScale - 32). The low two bits lie as in Q2_K; the third
/// bit of value i is bit i / 32 of High[i % 32].
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q3_KBlock : IBlock<Q3_KBlock>
{
    public fixed byte High[32];
    public fixed byte Quants[64];
    public fixed byte Groups[12];
    public ushort Scale;

    public static TensorType Type => TensorType.Q3_K;

    public static int ValueCount => 256;

    public static void Dequantize(Q3_KBlock* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 256; i++)
        {
            var quant = (block->Quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
            quant |= ((block->High[i % 32] >> (i / 32)) & 1) << 2;
            values[i] = scale * GroupScale(block, i / 16) * (quant - 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q3_KBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var half = 0; half < 2; half++)
        {
            for (var part = 0; part < 2; part++)
            {
                var packed = Vector128.Load(block->Quants + half * 32 + part * 16);
                var high = Vector128.Load(block->High + part * 16);
                var bit = 1 << (half * 4);
                var group = half * 8 + part;
                var output = values + half * 128 + part * 16;
                TFloats.Scale(Signed(PackedBits.Two(packed, 0), high, bit), scale * GroupScale(block, group), output);
                TFloats.Scale(Signed(PackedBits.Two(packed, 2), high, bit << 1), scale * GroupScale(block, group + 2), output + 32);
                TFloats.Scale(Signed(PackedBits.Two(packed, 4), high, bit << 2), scale * GroupScale(block, group + 4), output + 64);
                TFloats.Scale(Signed(PackedBits.Two(packed, 6), high, bit << 3), scale * GroupScale(block, group + 6), output + 96);
            }
        }

        static Vector128<sbyte> Signed(Vector128<sbyte> low, Vector128<byte> high, int bit) =>
            (low | PackedBits.WhereSet(high, (byte)bit, 4)) - Vector128.Create((sbyte)4);
    }

    public static void Quantize(float* values, Q3_KBlock* block)
    {
        *block = default;
        var scales = stackalloc float[16];
        for (var group = 0; group < 16; group++)
            scales[group] = Rounding.SignedPeak(values + group * 16, 16) / -4;
        block->Scale = Rounding.ScaleToHalf(Rounding.SignedPeak(scales, 16) / -32);
        var scale = HalfBits.ToSingle(block->Scale);
        for (var group = 0; group < 16; group++)
        {
            var code = Rounding.Steps(scales[group], scale, -32, 31) + 32;
            block->Groups[group % 8] |= (byte)((code & 0x0F) << (group / 8 * 4));
            block->Groups[8 + group % 4] |= (byte)((code >> 4) << (group / 4 * 2));
        }
        for (var i = 0; i < 256; i++)
        {
            var quant = Rounding.Steps(values[i], scale * GroupScale(block, i / 16), -4, 3) + 4;
            block->Quants[i / 128 * 32 + i % 32] |= (byte)((quant & 3) << (i % 128 / 32 * 2));
            block->High[i % 32] |= (byte)((quant >> 2) << (i / 32));
        }
    }

    // The 6-bit scale of a group: low four bits in a half of byte group % 8, upper two bits in byte 8 + group % 4.
    private static int GroupScale(Q3_KBlock* block, int group)
    {
        var low = (block->Groups[group % 8] >> (group / 8 * 4)) & 0x0F;
        var high = (block->Groups[8 + group % 4] >> (group / 4 * 2)) & 3;
        return (low | (high << 4)) - 32;
    }
}
