using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 32 floating point values of 4 bits (E2M1) under a power of two, as the OCP Microscaling specification has them: value = E2M1 level of
/// q * 2^(exponent - 128). Byte i holds value i in its low half and value i + 16 in its high half.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct MXFP4Block : IBlock<MXFP4Block>
{
    private const int SignBit = 8;

    public byte Exponent;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.MXFP4;

    public static int ValueCount => 32;

    public static void Dequantize(MXFP4Block* block, float* values) =>
        NonLinearLevels.Dequantize(NonLinearLevels.E2M1, block->Quants, E8M0.HalfToSingle(block->Exponent), values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(MXFP4Block* block, float* values)
        where TFloats : struct, IFloats<TFloats> =>
        NonLinearLevels.Dequantize<TFloats>(NonLinearLevels.E2M1, block->Quants, E8M0.HalfToSingle(block->Exponent), values);

    public static void Quantize(float* values, MXFP4Block* block)
    {
        block->Exponent = E8M0.OfPeak(Rounding.SignedPeak(values, ValueCount));
        var scale = E8M0.HalfToSingle(block->Exponent);
        for (var i = 0; i < 16; i++)
            block->Quants[i] = (byte)(Quant(values[i], scale) | (Quant(values[i + 16], scale) << 4));
    }

    private static int Quant(float value, float scale)
    {
        // Divided in double precision, where the quotient by a subnormal scale is exact too.
        var magnitude = NonLinearLevels.Nearest(NonLinearLevels.E2M1[..SignBit], Math.Abs(value / (double)scale));
        return value < 0 && magnitude != 0 ? magnitude | SignBit : magnitude;
    }
}
