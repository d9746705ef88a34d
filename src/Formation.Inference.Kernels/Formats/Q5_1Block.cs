using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>32 values of 5 bits above a minimum: value = q * scale + minimum, with the bits laid out as in Q5_0.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q5_1Block : IBlock<Q5_1Block>
{
    public ushort Scale;
    public ushort Minimum;
    public uint HighBits;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.Q5_1;

    public static int ValueCount => 32;

    public static void Dequantize(Q5_1Block* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimum = HalfBits.ToSingle(block->Minimum);
        for (var i = 0; i < 16; i++)
        {
            var low = (block->Quants[i] & 0x0F) | (int)(((block->HighBits >> i) & 1) << 4);
            var high = (block->Quants[i] >> 4) | (int)(((block->HighBits >> (i + 16)) & 1) << 4);
            values[i] = low * scale + minimum;
            values[i + 16] = high * scale + minimum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q5_1Block* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimum = HalfBits.ToSingle(block->Minimum);
        var packed = Vector128.Load(block->Quants);
        var fifth = Vector128.Create((sbyte)16);
        var low = PackedBits.Low4(packed) | (PackedBits.Spread((ushort)block->HighBits) & fifth);
        var high = PackedBits.High4(packed) | (PackedBits.Spread((ushort)(block->HighBits >> 16)) & fifth);
        TFloats.ScaleAdd(low, scale, minimum, values);
        TFloats.ScaleAdd(high, scale, minimum, values + 16);
    }

    public static void Quantize(float* values, Q5_1Block* block)
    {
        var (minimum, maximum) = Rounding.Range(values, ValueCount);
        var scale = (maximum - minimum) / 31;
        var inverse = Rounding.Inverse(scale);
        block->Scale = Rounding.ScaleToHalf(scale);
        block->Minimum = Rounding.ScaleToHalf(minimum);
        var highBits = 0u;
        for (var i = 0; i < 16; i++)
        {
            var low = Math.Min(31, (int)((values[i] - minimum) * inverse + 0.5f));
            var high = Math.Min(31, (int)((values[i + 16] - minimum) * inverse + 0.5f));
            block->Quants[i] = (byte)((low & 0x0F) | ((high & 0x0F) << 4));
            highBits |= ((uint)low >> 4) << i;
            highBits |= ((uint)high >> 4) << (i + 16);
        }
        block->HighBits = highBits;
    }
}
