using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>32 signed values of 8 bits: value = q * scale.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct Q8_0Block : IBlock<Q8_0Block>
{
    public ushort Scale;
    public fixed sbyte Quants[32];

    public static TensorType Type => TensorType.Q8_0;

    public static int ValueCount => 32;

    public static void Dequantize(Q8_0Block* block, float* values)
    {
        var scale = HalfBits.ToSingle(block->Scale);
        for (var i = 0; i < 32; i++)
            values[i] = block->Quants[i] * scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(Q8_0Block* block, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var scale = HalfBits.ToSingle(block->Scale);
        TFloats.Scale(Vector128.Load(block->Quants), scale, values);
        TFloats.Scale(Vector128.Load(block->Quants + 16), scale, values + 16);
    }

    public static void Quantize(float* values, Q8_0Block* block)
    {
        var scale = MathF.Abs(Rounding.SignedPeak(values, ValueCount)) / 127;
        var inverse = Rounding.Inverse(scale);
        block->Scale = Rounding.ScaleToHalf(scale);
        for (var i = 0; i < 32; i++)
            block->Quants[i] = (sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }
}
