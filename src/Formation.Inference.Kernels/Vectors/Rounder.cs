namespace Formation.Inference.Kernels.Vectors;

/// <summary>Rounding to whole numbers by an addition, which is the same on every processor and costs one instruction.</summary>
internal static class Rounder
{
    /// <summary>
    /// 1.5 · 2^23: added to a number up to 2^22, it leaves the nearest integer (ties to even) in the low bits of the sum, and subtracted
    /// again, the integer as a float.
    /// </summary>
    internal const float Whole = 12582912f;
}
