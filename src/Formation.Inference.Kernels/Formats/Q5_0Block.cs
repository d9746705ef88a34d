using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 32 values of 5 bits around zero: value = (q - 16) * scale. The low four bits lie as in Q4_0, the fifth bit of value i is bit i
/// of HighBits.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_0Block : IBlock<Q5_0Block>
{
    public ushort Scale;
    public uint HighBits;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.Q5_0;

    public static int ValueCount => 32;

    public static void Dequantize(Q5_0Block* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 16; i++)
        {
            var low = (block->Quants[i] & 0x0F) | (int)(((block->HighBits >> i) & 1) << 4);
            var high = (block->Quants[i] >> 4) | (int)(((block->HighBits >> (i + 16)) & 1) << 4);
            values[i] = (low - 16) * scale;
            values[i + 16] = (high - 16) * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q5_0Block* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var packed = Vector128.Load(block->Quants);
        var zero = Vector128.Create((sbyte)16);
        var fifth = Vector128.Create((sbyte)16);
        TFloats.Scale((PackedBits.Low4(packed) | (PackedBits.Spread((ushort)block->HighBits) & fifth)) - zero, scale, values);
        TFloats.Scale((PackedBits.High4(packed) | (PackedBits.Spread((ushort)(block->HighBits >> 16)) & fifth)) - zero, scale, values + 16);
    }

    public static void Quantize(float* values, Q5_0Block* block)
    {
        var scale = Rounding.SignedPeak(values, ValueCount) / -16;
        var inverse = Rounding.Inverse(scale);
        block->Scale = Rounding.ScaleToHalf(scale);
        var highBits = 0u;
        for (var i = 0; i < 16; i++)
        {
            var low = Math.Min(31, (int)(values[i] * inverse + 16.5f));
            var high = Math.Min(31, (int)(values[i + 16] * inverse + 16.5f));
            block->Quants[i] = (byte)((low & 0x0F) | ((high & 0x0F) << 4));
            highBits |= ((uint)low >> 4) << i;
            highBits |= ((uint)high >> 4) << (i + 16);
        }
        block->HighBits = highBits;
    }
}
