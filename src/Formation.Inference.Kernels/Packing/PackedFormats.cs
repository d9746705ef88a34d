using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The layouts of all computed formats by their number in a file.</summary>
internal static class PackedFormats
{
    /// <summary>The numbers of a stored block, in order.</summary>
    /// <exception cref="NotSupportedException">The engine does not compute with the format.</exception>
    internal static ReadOnlySpan<PackedField> Fields(TensorType type) => type switch
    {
        TensorType.F32 => PackedF32.Fields,
        TensorType.F16 => PackedF16.Fields,
        TensorType.BF16 => PackedBF16.Fields,
        TensorType.Q4_0 => PackedQ4_0.Fields,
        TensorType.Q4_1 => PackedQ4_1.Fields,
        TensorType.Q5_0 => PackedQ5_0.Fields,
        TensorType.Q5_1 => PackedQ5_1.Fields,
        TensorType.Q8_0 => PackedQ8_0.Fields,
        TensorType.Q2_K => PackedQ2_K.Fields,
        TensorType.Q3_K => PackedQ3_K.Fields,
        TensorType.Q4_K => PackedQ4_K.Fields,
        TensorType.Q5_K => PackedQ5_K.Fields,
        TensorType.Q6_K => PackedQ6_K.Fields,
        TensorType.IQ4_NL => PackedIQ4_NL.Fields,
        TensorType.IQ4_XS => PackedIQ4_XS.Fields,
        TensorType.MXFP4 => PackedMXFP4.Fields,
        _ => throw RowShape.NotComputed(type),
    };
}
