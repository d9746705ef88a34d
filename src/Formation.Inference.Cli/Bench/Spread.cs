namespace Formation.Inference.Cli.Bench;

/// <summary>The middle and the ends of some measurements.</summary>
sealed record Spread(double Median, double Min, double Max)
{
    /// <param name="values">At least one.</param>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(Rounded(median), Rounded(sorted[0]), Rounded(sorted[^1]));
    }

    /// <summary>Four digits say all that a timing on a busy machine can.</summary>
    public static double Rounded(double value) =>
        value == 0 || !double.IsFinite(value) ? value : Math.Round(value, Math.Clamp(3 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 15));
}
