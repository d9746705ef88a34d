namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// Sixteen float32 in memory, whatever the width of the registers. Sums over a row are kept in sixteen lanes (value k goes to lane
/// k % 16) and reduced as one fixed tree, so that every width gives the same bits.
/// </summary>
internal static unsafe class Sixteen
{
    public const int Lanes = 16;

    /// <summary>The sum of the lanes: halves are added to each other until one lane is left. The lanes are used up.</summary>
    public static float Sum<TFloats>(float* lanes) where TFloats : struct, IFloats<TFloats>
    {
        for (var half = Lanes / 2; half >= TFloats.Count; half /= 2)
        {
            for (var i = 0; i < half; i += TFloats.Count)
                (TFloats.Load(lanes + i) + TFloats.Load(lanes + half + i)).Store(lanes + i);
        }
        return TFloats.Load(lanes).Sum();
    }

    /// <summary>The same without vectors.</summary>
    public static float Sum(float* lanes)
    {
        for (var half = Lanes / 2; half > 0; half /= 2)
        {
            for (var i = 0; i < half; i++)
                lanes[i] += lanes[half + i];
        }
        return lanes[0];
    }

    /// <summary>The largest lane.</summary>
    public static float Max<TFloats>(float* lanes) where TFloats : struct, IFloats<TFloats>
    {
        var largest = TFloats.Load(lanes);
        for (var i = TFloats.Count; i < Lanes; i += TFloats.Count)
            largest = TFloats.Max(largest, TFloats.Load(lanes + i));
        return largest.Max();
    }
}
