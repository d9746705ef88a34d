using System.Runtime.CompilerServices;

namespace Formation.Inference.Kernels.Attention;

/// <summary>How float32 numbers become 16-bit integers: the largest magnitude becomes the largest integer.</summary>
internal static class IntegerSteps
{
    /// <summary>
    /// The largest of 16 bits: sums of 64 products with 8-bit numbers, which is a block's positions and more than a group's dimensions, stay
    /// below 2^28.
    /// </summary>
    public const float Largest = 32767;

    /// <summary>What an integer is worth, and what a number is multiplied by to become one; both 0 where all numbers are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float Step, float Inverse) Of(float largest)
    {
        var inverse = Largest / largest;
        return float.IsFinite(inverse) ? (largest * (1 / Largest), inverse) : (0, 0);
    }
}
