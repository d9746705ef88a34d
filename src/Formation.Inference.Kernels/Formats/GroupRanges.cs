namespace Formation.Inference.Kernels.Formats;

/// <summary>Chooses the scales and minimums of the eight groups of 32 values in a Q4_K or Q5_K block.</summary>
internal static unsafe class GroupRanges
{
    private const int LargestCode = 63;

    /// <summary>Fills the packed group scales and returns the block's two half precision factors.</summary>
    /// <param name="values">256 finite values.</param>
    /// <param name="largestQuant">15 for four bits, 31 for five.</param>
    /// <param name="groups">Twelve zero bytes.</param>
    internal static (ushort Scale, ushort MinimumScale) Quantize(float* values, int largestQuant, byte* groups)
    {
        var scales = stackalloc float[8];
        var minimums = stackalloc float[8];
        for (var group = 0; group < 8; group++)
        {
            var (minimum, maximum) = Rounding.Range(values + group * 32, 32);
            // A group's minimum is subtracted, so it can't lie above zero.
            minimum = MathF.Min(minimum, 0);
            scales[group] = (maximum - minimum) / largestQuant;
            minimums[group] = -minimum;
        }
        var scale = Rounding.ScaleToHalf(MathF.Max(0, Rounding.SignedPeak(scales, 8)) / LargestCode);
        var minimumScale = Rounding.ScaleToHalf(Rounding.SignedPeak(minimums, 8) / LargestCode);
        for (var group = 0; group < 8; group++)
        {
            PackedScales.Set(
                groups,
                group,
                Rounding.Steps(scales[group], HalfBits.ToSingle(scale), 0, LargestCode),
                Rounding.Steps(minimums[group], HalfBits.ToSingle(minimumScale), 0, LargestCode));
        }
        return (scale, minimumScale);
    }

    internal static int Quant(float value, int largestQuant, ushort scale, ushort minimumScale, byte* groups, int group)
    {
        var (groupScale, groupMinimum) = PackedScales.Get(groups, group);
        var shifted = value + HalfBits.ToSingle(minimumScale) * groupMinimum;
        return Rounding.Steps(shifted, HalfBits.ToSingle(scale) * groupScale, 0, largestQuant);
    }
}
