using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 32 values of 4 bits around zero: value = (q - 8) * scale. Byte i holds value i in its low half and value i + 16 in its high
/// half.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q4_0Block : IBlock<Q4_0Block>
{
    public ushort Scale;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.Q4_0;

    public static int ValueCount => 32;

    public static void Dequantize(Q4_0Block* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 16; i++)
        {
            values[i] = ((block->Quants[i] & 0x0F) - 8) * scale;
            values[i + 16] = ((block->Quants[i] >> 4) - 8) * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q4_0Block* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        var packed = Vector128.Load(block->Quants);
        var zero = Vector128.Create((sbyte)8);
        TFloats.Scale(PackedBits.Low4(packed) - zero, scale, values);
        TFloats.Scale(PackedBits.High4(packed) - zero, scale, values + 16);
    }

    public static void Quantize(float* values, Q4_0Block* block)
    {
        // The value of the largest magnitude becomes -8, the end of the range that has one step more.
        var scale = Rounding.SignedPeak(values, ValueCount) / -8;
        var inverse = Rounding.Inverse(scale);
        block->Scale = Rounding.ScaleToHalf(scale);
        for (var i = 0; i < 16; i++)
        {
            var low = Math.Min(15, (int)(values[i] * inverse + 8.5f));
            var high = Math.Min(15, (int)(values[i + 16] * inverse + 8.5f));
            block->Quants[i] = (byte)(low | (high << 4));
        }
    }
}
