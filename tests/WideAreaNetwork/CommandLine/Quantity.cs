using System.Globalization;

namespace Formation.Inference.WideAreaNetwork.CommandLine;

/// <summary>Numbers with units, as <c>tc</c> writes them: <c>10ms</c>, <c>200Mbit</c>, <c>0.1%</c>.</summary>
static class Quantity
{
    private static readonly (string Unit, double Factor)[] Durations = [("us", 1e-6), ("ms", 1e-3), ("s", 1)];
    private static readonly (string Unit, double Factor)[] Rates = [("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9), ("bit", 1)];
    private static readonly (string Unit, double Factor)[] Shares = [("%", 0.01)];

    /// <summary>A time, for instance <c>10ms</c>; false for anything else, and for more than a day.</summary>
    public static bool TryDuration(string text, out TimeSpan duration)
    {
        var read = TryRead(text, Durations, out var seconds) && seconds <= 86_400;
        duration = read ? TimeSpan.FromSeconds(seconds) : default;
        return read;
    }

    /// <summary>Bits in a second, for instance <c>200Mbit</c>.</summary>
    public static bool TryRate(string text, out long bitsPerSecond)
    {
        var read = TryRead(text, Rates, out var bits) && bits <= 1e15;
        bitsPerSecond = read ? (long)bits : 0;
        return read;
    }

    /// <summary>A share, for instance <c>0.1%</c>.</summary>
    public static bool TryShare(string text, out double share) => TryRead(text, Shares, out share) && share <= 1;

    private static bool TryRead(string text, (string Unit, double Factor)[] units, out double value)
    {
        value = 0;
        foreach (var (unit, factor) in units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
                continue;
            if (!double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
                continue;
            value *= factor;
            return true;
        }
        return false;
    }
}
