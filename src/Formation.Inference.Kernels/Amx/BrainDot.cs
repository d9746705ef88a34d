namespace Formation.Inference.Kernels.Amx;

/// <summary>
/// The definition of what the matrix unit computes for one row and one output: the scalar twin of its kernel. The sum over the inputs has
/// one order, whatever the number of rows and however the work is cut.
/// </summary>
/// <remarks>
/// Source: TDPBF16PS in Intel's manual, volume 2. Each group of 32 inputs is summed by itself, even and odd inputs apart, by fused
/// multiply-add; the two sums are added, and their sum to that of the groups before. Numbers too small to be normal count as zero, and
/// rounding is to the nearest, ties to even.
/// </remarks>
internal static class BrainDot
{
    /// <summary>The sum of the products of two rows of bfloat16, added to a sum.</summary>
    /// <param name="left">A multiple of <see cref="BrainTile.Inputs"/>.</param>
    /// <param name="right">As many.</param>
    /// <param name="sum">What it is added to.</param>
    public static float Accumulate(ReadOnlySpan<ushort> left, ReadOnlySpan<ushort> right, float sum)
    {
        for (var first = 0; first < left.Length; first += BrainTile.Inputs)
        {
            float even = 0, odd = 0;
            for (var i = first; i < first + BrainTile.Inputs; i += 2)
            {
                even = MultiplyAdd(left[i], right[i], even);
                odd = MultiplyAdd(left[i + 1], right[i + 1], odd);
            }
            sum = Flush(Flush(sum) + Flush(even + odd));
        }
        return sum;
    }

    /// <summary>left * right + addend as the matrix unit computes it.</summary>
    public static float MultiplyAdd(ushort left, ushort right, float addend) =>
        Flush(MathF.FusedMultiplyAdd(Flush(Widen(left)), Flush(Widen(right)), addend));

    /// <summary>A number too small to be normal becomes zero of its sign.</summary>
    public static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    private static float Widen(ushort brain) => BitConverter.Int32BitsToSingle(brain << 16);
}
