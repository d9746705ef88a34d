using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// 32 values of 4 bits with uneven steps: value = IQ4 level of q * scale. Byte i holds value i in its low half and value i + 16 in its
/// high half.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct IQ4_NLBlock : IBlock<IQ4_NLBlock>
{
    public ushort Scale;
    public fixed byte Quants[16];

    public static TensorType Type => TensorType.IQ4_NL;

    public static int ValueCount => 32;

    public static void Dequantize(IQ4_NLBlock* block, float* values) =>
        NonLinearLevels.Dequantize(NonLinearLevels.IQ4, block->Quants, HalfBits.ToSingle(block->Scale), values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dequantize<TFloats>(IQ4_NLBlock* block, float* values)
        where TFloats : struct, IFloats<TFloats> =>
        NonLinearLevels.Dequantize<TFloats>(NonLinearLevels.IQ4, block->Quants, HalfBits.ToSingle(block->Scale), values);

    public static void Quantize(float* values, IQ4_NLBlock* block)
    {
        block->Scale = Rounding.ScaleToHalf(IQ4Group.Scale(values));
        IQ4Group.Quantize(values, HalfBits.ToSingle(block->Scale), block->Quants);
    }
}
