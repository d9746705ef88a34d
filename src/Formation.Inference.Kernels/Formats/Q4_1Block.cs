using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>32 values of 4 bits above a minimum: value = q * scale + minimum. Byte i holds values i and i + 16.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q4_1Block : IBlock<Q4_1Block>
{
    public ushort Scale;
    public ushort Minimum;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.Q4_1;

    public static int ValueCount => 32;

    public static void Dequantize(Q4_1Block* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimum = HalfBits.ToSingle(block->Minimum);
        for (var i = 0; i < 16; i++)
        {
            values[i] = (block->Quants[i] & 0x0F) * scale + minimum;
            values[i + 16] = (block->Quants[i] >> 4) * scale + minimum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q4_1Block* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var minimum = HalfBits.ToSingle(block->Minimum);
        var packed = Vector128.Load(block->Quants);
        TFloats.ScaleAdd(PackedBits.Low4(packed), scale, minimum, values);
        TFloats.ScaleAdd(PackedBits.High4(packed), scale, minimum, values + 16);
    }

    public static void Quantize(float* values, Q4_1Block* block)
    {
        var (minimum, maximum) = Rounding.Range(values, ValueCount);
        var scale = (maximum - minimum) / 15;
        var inverse = Rounding.Inverse(scale);
        block->Scale = Rounding.ScaleToHalf(scale);
        block->Minimum = Rounding.ScaleToHalf(minimum);
        for (var i = 0; i < 16; i++)
        {
            var low = Math.Min(15, (int)((values[i] - minimum) * inverse + 0.5f));
            var high = Math.Min(15, (int)((values[i + 16] - minimum) * inverse + 0.5f));
            block->Quants[i] = (byte)(low | (high << 4));
        }
    }
}
