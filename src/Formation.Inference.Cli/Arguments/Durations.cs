using System.Globalization;

namespace Formation.Inference.Cli.Arguments;

/// <summary>Durations as people write them: <c>30s</c>, <c>1h</c>, <c>7d</c>, <c>500ms</c>.</summary>
public static class Durations
{
    private static readonly (string Suffix, TimeSpan Unit)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>Reads a whole number with its unit. False where it is none, or exceeds ten years.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        foreach (var (suffix, unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            if (!int.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                continue;
            if (count > TimeSpan.FromDays(3652) / unit)
                return false;
            duration = unit * count;
            return true;
        }
        return false;
    }
}
