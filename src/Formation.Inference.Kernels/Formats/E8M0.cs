namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// The scale of a microscaling (MX) block: eight bits of exponent, neither sign nor mantissa. It is read as its half, because the levels
/// that it multiplies are doubled to be whole numbers.
/// </summary>
internal static class E8M0
{
    private const int Bias = 127;

    // The exponent of 4, the largest power of two in E2M1.
    private const int LargestElement = 2;

    /// <summary>
    /// 2^(exponent - 128), exactly: a subnormal for 0 and 1. 255 is NaN in the OCP Microscaling specification, but is read as ggml
    /// reads it: as one more power of two.
    /// </summary>
    internal static float HalfToSingle(byte exponent) =>
        BitConverter.Int32BitsToSingle(exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23);

    /// <summary>The specification's choice: the peak divided by the whole scale is at least 4 and less than 8. 0 for smaller peaks.</summary>
    internal static byte OfPeak(float peak) => (byte)Math.Max(0, MathF.ILogB(peak) - LargestElement + Bias);
}
