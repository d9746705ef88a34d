using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Formats;

/// <summary>Conversion between float32 and half precision arrays, many times faster than casting each value.</summary>
public static class HalfPrecision
{
    /// <summary>Widens; exact.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void ToSingle(ReadOnlySpan<Half> halves, Span<float> values) =>
        Dequantizer.Row(TensorType.F16, MemoryMarshal.AsBytes(halves), values);

    /// <summary>Rounds to nearest, ties to even; past the range becomes infinity.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void FromSingle(ReadOnlySpan<float> values, Span<Half> halves) => Quantizer.Row(TensorType.F16, values, MemoryMarshal.AsBytes(halves));
}
