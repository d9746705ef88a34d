using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Tiles;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Dispatch;

/// <summary>
/// Which kernel multiplies a linear layer's weights. The kernels ask here, and so do reports: what a report says is what computes.
/// </summary>
public static class LinearKernels
{
    /// <summary>The kernels of a storage format on the path in use.</summary>
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    public static LinearKernel Of(TensorType format) => Of(format, KernelPaths.Current);

    internal static LinearKernel Of(TensorType format, KernelPath path) => path switch
    {
        KernelPath.Amx or KernelPath.Avx512 => Of<Quads512, Floats512>(format, "intrinsics 512 bit"),
        KernelPath.Avx2 => Of<Quads256, Floats256>(format, "intrinsics 256 bit"),
        KernelPath.Vector128 => Of<Quads128, Floats128>(format, "intrinsics 128 bit"),
        _ => Computed(format, "scalar", "scalar"),
    };

    /// <summary>Whether rows of an integer format are multiplied straight from the strips, without a panel.</summary>
    internal static bool IsDirect(int rows) => rows == 1;

    /// <summary>Whether machine code multiplies panels of integers, and single rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool HasIntegerCode<TQuads, TFormat>()
        where TQuads : struct, IQuads<TQuads>
        where TFormat : struct, IIntegerFormat =>
        TQuads.Count == Strip.Outputs && DotTile<TFormat>.IsAvailable && StripCode<TFormat>.IsAvailable;

    /// <summary>Whether machine code multiplies strips of floating-point numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool HasFloatCode<TFloats, TFormat>()
        where TFloats : struct, IFloats<TFloats>
        where TFormat : struct, IFloatFormat => TFloats.Count == Strip.Outputs && DirectFloatTile<TFormat>.IsAvailable;

    private static LinearKernel Of<TQuads, TFloats>(TensorType format, string intrinsics)
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        return format switch
        {
            TensorType.F32 => Floats<PackedF32>(),
            TensorType.F16 => Floats<PackedF16>(),
            TensorType.BF16 => Floats<PackedBF16>(),
            TensorType.Q4_0 => Integers<PackedQ4_0>(),
            TensorType.Q4_1 => Integers<PackedQ4_1>(),
            TensorType.Q5_0 => Integers<PackedQ5_0>(),
            TensorType.Q5_1 => Integers<PackedQ5_1>(),
            TensorType.Q8_0 => Integers<PackedQ8_0>(),
            TensorType.Q2_K => Integers<PackedQ2_K>(),
            TensorType.Q3_K => Integers<PackedQ3_K>(),
            TensorType.Q4_K => Integers<PackedQ4_K>(),
            TensorType.Q5_K => Integers<PackedQ5_K>(),
            TensorType.Q6_K => Integers<PackedQ6_K>(),
            TensorType.IQ4_NL => Integers<PackedIQ4_NL>(),
            TensorType.IQ4_XS => Integers<PackedIQ4_XS>(),
            TensorType.MXFP4 => Integers<PackedMXFP4>(),
            _ => throw RowShape.NotComputed(format),
        };

        LinearKernel Integers<TFormat>()
            where TFormat : struct, IIntegerFormat
        {
            var kernel = HasIntegerCode<TQuads, TFormat>() ? "machine code AVX512-VNNI" : intrinsics;
            return new LinearKernel(format, kernel, kernel);
        }

        LinearKernel Floats<TFormat>()
            where TFormat : struct, IFloatFormat
        {
            var strips = HasFloatCode<TFloats, TFormat>() ? "machine code AVX-512" : intrinsics;
            return new LinearKernel(format, strips, strips);
        }
    }

    private static LinearKernel Computed(TensorType format, string oneRow, string rows)
    {
        RowShape.CheckComputed(format);
        return new LinearKernel(format, oneRow, rows);
    }
}

/// <summary>What multiplies the weights of one storage format.</summary>
/// <param name="Format">The format.</param>
/// <param name="OneRow">For a single row: a sequence that generates alone.</param>
/// <param name="Rows">For several rows: prompts, and sequences that generate together.</param>
public readonly record struct LinearKernel(TensorType Format, string OneRow, string Rows)
{
    /// <summary>Both in words.</summary>
    public string Description => OneRow == Rows ? Rows : $"{Rows}, single rows {OneRow}";
}
