using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>Turns stored rows into float32. All kernel paths give the same bits.</summary>
public static unsafe class Dequantizer
{
    /// <summary>Writes the values of a row, or of any whole blocks of one.</summary>
    /// <param name="type">A format with <see cref="TensorTypeInfo.IsComputed"/>.</param>
    /// <param name="row">Exactly the bytes of <paramref name="values"/>.Length values.</param>
    /// <param name="values">As many values as wanted, a multiple of the format's block size.</param>
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Row(TensorType type, ReadOnlySpan<byte> row, Span<float> values) => Row(type, row, values, KernelPaths.Current);

    internal static void Row(TensorType type, ReadOnlySpan<byte> row, Span<float> values, KernelPath path)
    {
        RowShape.Check(type, row.Length, values.Length);
        fixed (byte* rowPointer = row)
        fixed (float* valuesPointer = values)
            Row(type, rowPointer, valuesPointer, values.Length, path);
    }

    /// <summary>The same without checks: for callers that have checked a whole matrix.</summary>
    internal static void Row(TensorType type, byte* row, float* values, int count, KernelPath path)
    {
        switch (path)
        {
            case KernelPath.Avx512 or KernelPath.Amx:
                Row<Floats512>(type, row, values, count);
                break;
            case KernelPath.Avx2:
                Row<Floats256>(type, row, values, count);
                break;
            case KernelPath.Vector128:
                Row<Floats128>(type, row, values, count);
                break;
            default:
                ScalarRow(type, row, values, count);
                break;
        }
    }

    private static void Row<TFloats>(TensorType type, byte* row, float* values, int count)
        where TFloats : struct, IFloats<TFloats>
    {
        switch (type)
        {
            case TensorType.F32: Copy(row, values, count); break;
            case TensorType.F16: F16Format.Dequantize<TFloats>((ushort*)row, values, count); break;
            case TensorType.BF16: BF16Format.Dequantize<TFloats>((ushort*)row, values, count); break;
            case TensorType.Q4_0: Blocks<Q4_0Block, TFloats>(row, values, count); break;
            case TensorType.Q4_1: Blocks<Q4_1Block, TFloats>(row, values, count); break;
            case TensorType.Q5_0: Blocks<Q5_0Block, TFloats>(row, values, count); break;
            case TensorType.Q5_1: Blocks<Q5_1Block, TFloats>(row, values, count); break;
            case TensorType.Q8_0: Blocks<Q8_0Block, TFloats>(row, values, count); break;
            case TensorType.Q2_K: Blocks<Q2_KBlock, TFloats>(row, values, count); break;
            case TensorType.Q3_K: Blocks<Q3_KBlock, TFloats>(row, values, count); break;
            case TensorType.Q4_K: Blocks<Q4_KBlock, TFloats>(row, values, count); break;
            case TensorType.Q5_K: Blocks<Q5_KBlock, TFloats>(row, values, count); break;
            case TensorType.Q6_K: Blocks<Q6_KBlock, TFloats>(row, values, count); break;
            case TensorType.IQ4_NL: Blocks<IQ4_NLBlock, TFloats>(row, values, count); break;
            case TensorType.IQ4_XS: Blocks<IQ4_XSBlock, TFloats>(row, values, count); break;
            case TensorType.MXFP4: Blocks<MXFP4Block, TFloats>(row, values, count); break;
            default: throw RowShape.NotComputed(type);
        }
    }

    private static void ScalarRow(TensorType type, byte* row, float* values, int count)
    {
        switch (type)
        {
            case TensorType.F32: Copy(row, values, count); break;
            case TensorType.F16: F16Format.Dequantize((ushort*)row, values, count); break;
            case TensorType.BF16: BF16Format.Dequantize((ushort*)row, values, count); break;
            case TensorType.Q4_0: Blocks<Q4_0Block>(row, values, count); break;
            case TensorType.Q4_1: Blocks<Q4_1Block>(row, values, count); break;
            case TensorType.Q5_0: Blocks<Q5_0Block>(row, values, count); break;
            case TensorType.Q5_1: Blocks<Q5_1Block>(row, values, count); break;
            case TensorType.Q8_0: Blocks<Q8_0Block>(row, values, count); break;
            case TensorType.Q2_K: Blocks<Q2_KBlock>(row, values, count); break;
            case TensorType.Q3_K: Blocks<Q3_KBlock>(row, values, count); break;
            case TensorType.Q4_K: Blocks<Q4_KBlock>(row, values, count); break;
            case TensorType.Q5_K: Blocks<Q5_KBlock>(row, values, count); break;
            case TensorType.Q6_K: Blocks<Q6_KBlock>(row, values, count); break;
            case TensorType.IQ4_NL: Blocks<IQ4_NLBlock>(row, values, count); break;
            case TensorType.IQ4_XS: Blocks<IQ4_XSBlock>(row, values, count); break;
            case TensorType.MXFP4: Blocks<MXFP4Block>(row, values, count); break;
            default: throw RowShape.NotComputed(type);
        }
    }

    // Optimised from the first call on: a model's first pass would otherwise run in unoptimised code for a long time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Blocks<TBlock, TFloats>(byte* row, float* values, int count)
        where TBlock : unmanaged, IBlock<TBlock>
        where TFloats : struct, IFloats<TFloats>
    {
        var block = (TBlock*)row;
        for (var i = 0; i < count; i += TBlock.ValueCount)
            TBlock.Dequantize<TFloats>(block++, values + i);
    }

    private static void Blocks<TBlock>(byte* row, float* values, int count)
        where TBlock : unmanaged, IBlock<TBlock>
    {
        var block = (TBlock*)row;
        for (var i = 0; i < count; i += TBlock.ValueCount)
            TBlock.Dequantize(block++, values + i);
    }

    private static void Copy(byte* row, float* values, int count) =>
        new ReadOnlySpan<float>(row, count).CopyTo(new Span<float>(values, count));
}
