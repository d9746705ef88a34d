using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// Stores float32 rows in a format, each value rounded to the nearest that its group's scale allows. The legacy formats and MXFP4 give
/// the bytes of ggml's reference quantiser; the K formats choose their scales from the range of each group, without a search for better
/// ones; IQ4_NL and IQ4_XS search.
/// </summary>
public static unsafe class Quantizer
{
    /// <summary>Writes the bytes of a row.</summary>
    /// <param name="type">A format with <see cref="TensorTypeInfo.IsComputed"/>.</param>
    /// <param name="values">A multiple of the format's block size; finite, save in F32, F16 and BF16.</param>
    /// <param name="row">Exactly the bytes of the values.</param>
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit together, or a value can't be stored.</exception>
    public static void Row(TensorType type, ReadOnlySpan<float> values, Span<byte> row) => Row(type, values, row, KernelPaths.Current);

    internal static void Row(TensorType type, ReadOnlySpan<float> values, Span<byte> row, KernelPath path)
    {
        RowShape.Check(type, row.Length, values.Length);
        fixed (float* valuesPointer = values)
        fixed (byte* rowPointer = row)
            Row(type, valuesPointer, rowPointer, values.Length, path);
    }

    private static void Row(TensorType type, float* values, byte* row, int count, KernelPath path)
    {
        switch (type)
        {
            case TensorType.F32: new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>(row, count)); break;
            case TensorType.F16: HalfPrecision(values, (ushort*)row, count, path); break;
            case TensorType.BF16: BF16Format.Quantize(values, (ushort*)row, count); break;
            case TensorType.Q4_0: Blocks<Q4_0Block>(values, row, count); break;
            case TensorType.Q4_1: Blocks<Q4_1Block>(values, row, count); break;
            case TensorType.Q5_0: Blocks<Q5_0Block>(values, row, count); break;
            case TensorType.Q5_1: Blocks<Q5_1Block>(values, row, count); break;
            case TensorType.Q8_0: Blocks<Q8_0Block>(values, row, count); break;
            case TensorType.Q2_K: Blocks<Q2_KBlock>(values, row, count); break;
            case TensorType.Q3_K: Blocks<Q3_KBlock>(values, row, count); break;
            case TensorType.Q4_K: Blocks<Q4_KBlock>(values, row, count); break;
            case TensorType.Q5_K: Blocks<Q5_KBlock>(values, row, count); break;
            case TensorType.Q6_K: Blocks<Q6_KBlock>(values, row, count); break;
            case TensorType.IQ4_NL: Blocks<IQ4_NLBlock>(values, row, count); break;
            case TensorType.IQ4_XS: Blocks<IQ4_XSBlock>(values, row, count); break;
            case TensorType.MXFP4: Blocks<MXFP4Block>(values, row, count); break;
            default: throw RowShape.NotComputed(type);
        }
    }

    private static void HalfPrecision(float* values, ushort* row, int count, KernelPath path)
    {
        switch (path)
        {
            case KernelPath.Avx512 or KernelPath.Amx:
                F16Format.Quantize<Floats512>(values, row, count);
                break;
            case KernelPath.Avx2:
                F16Format.Quantize<Floats256>(values, row, count);
                break;
            case KernelPath.Vector128:
                F16Format.Quantize<Floats128>(values, row, count);
                break;
            default:
                F16Format.Quantize(values, row, count);
                break;
        }
    }

    private static void Blocks<TBlock>(float* values, byte* row, int count)
        where TBlock : unmanaged, IBlock<TBlock>
    {
        for (var i = 0; i < count; i++)
        {
            if (!float.IsFinite(values[i]))
                throw new ArgumentException($"value {i} of the row is not finite and can't be stored as {TBlock.Type}");
        }
        var block = (TBlock*)row;
        for (var i = 0; i < count; i += TBlock.ValueCount)
            TBlock.Quantize(values + i, block++);
    }
}
