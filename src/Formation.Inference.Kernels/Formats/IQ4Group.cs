namespace Formation.Inference.Kernels.Formats;

/// <summary>Chooses the scale and the quants of 32 values in an IQ4_NL or IQ4_XS block.</summary>
internal static unsafe class IQ4Group
{
    // The value of the largest magnitude is put on the outermost level and around it: what that rounds worse, the others gain.
    // Closer or farther tries lower the error of normally distributed values by less than 1 %.
    private const int Outermost = -127;
    private const int Reach = 12;
    private const int Step = 4;

    /// <summary>The scale that leaves the least squared error of those tried.</summary>
    /// <param name="values">32 finite values.</param>
    internal static float Scale(float* values)
    {
        double peak = Rounding.SignedPeak(values, NonLinearLevels.GroupSize);
        if (peak == 0)
            return 0;
        var best = 0.0;
        var largestGain = 0.0;
        for (var target = Outermost - Reach; target <= Outermost + Reach; target += Step)
        {
            double product = 0, square = 0;
            for (var i = 0; i < NonLinearLevels.GroupSize; i++)
            {
                double level = Level(values[i] * (target / peak));
                product += level * values[i];
                square += level * level;
            }
            // With the levels chosen, product / square is the scale of least error, and this is what it takes off the values' own squares.
            var gain = product * product / square;
            if (gain <= largestGain)
                continue;
            largestGain = gain;
            best = product / square;
        }
        return (float)best;
    }

    /// <summary>Stores each value as the nearest level.</summary>
    /// <param name="values">32 finite values.</param>
    /// <param name="quants">Sixteen bytes.</param>
    internal static void Quantize(float* values, float scale, byte* quants)
    {
        var inverse = Rounding.Inverse(scale);
        for (var i = 0; i < NonLinearLevels.GroupSize / 2; i++)
        {
            var low = NonLinearLevels.Nearest(NonLinearLevels.IQ4, values[i] * inverse);
            var high = NonLinearLevels.Nearest(NonLinearLevels.IQ4, values[i + NonLinearLevels.GroupSize / 2] * inverse);
            quants[i] = (byte)(low | (high << 4));
        }
    }

    private static int Level(double number) => NonLinearLevels.IQ4[NonLinearLevels.Nearest(NonLinearLevels.IQ4, number)];
}
