namespace Formation.Inference.Kernels.Formats;

/// <summary>What the quantisers share: the extremes of a group of values and the scales that follow from them.</summary>
internal static unsafe class Rounding
{
    /// <summary>The value of the largest magnitude, with its sign.</summary>
    internal static float SignedPeak(float* values, int count)
    {
        var peak = 0f;
        for (var i = 0; i < count; i++)
        {
            if (MathF.Abs(values[i]) > MathF.Abs(peak))
                peak = values[i];
        }
        return peak;
    }

    internal static (float Minimum, float Maximum) Range(float* values, int count)
    {
        var minimum = values[0];
        var maximum = values[0];
        for (var i = 1; i < count; i++)
        {
            minimum = MathF.Min(minimum, values[i]);
            maximum = MathF.Max(maximum, values[i]);
        }
        return (minimum, maximum);
    }

    /// <summary>1 / scale, or 0 where the quotient has no use: all values of the group then become the same.</summary>
    internal static float Inverse(float scale)
    {
        var inverse = 1 / scale;
        return float.IsFinite(inverse) ? inverse : 0;
    }

    /// <exception cref="ArgumentException">The scale is past the range of half precision.</exception>
    internal static ushort ScaleToHalf(float scale)
    {
        var half = HalfBits.FromSingle(scale);
        if ((half & 0x7C00) == 0x7C00)
            throw new ArgumentException($"the values need a scale of {scale:g3}, but half precision ends at 65504; scale them down");
        return half;
    }

    /// <summary>value / step rounded to the nearest whole number in a range; 0 where the step is 0.</summary>
    internal static int Steps(float value, float step, int minimum, int maximum)
    {
        if (step == 0)
            return Math.Clamp(0, minimum, maximum);
        return (int)Math.Clamp(MathF.Round(value / step), minimum, maximum);
    }
}
