using System.Globalization;
using Formation.Inference.Cluster.Deployments.Adapting;

namespace Formation.Inference.Cli.Arguments;

/// <summary>What is adapted when, as <c>NAME=VALUE</c>: <c>move-after=2m</c>, <c>grow-above=80%</c>.</summary>
static class AdaptArgument
{
    private static readonly Dictionary<string, Func<AdaptOptions, TimeSpan, AdaptOptions>> Times = new(StringComparer.Ordinal)
    {
        ["move-after"] = (options, time) => options with { MoveAfter = time },
        ["move-pause"] = (options, time) => options with { MovePause = time },
        ["grow-after"] = (options, time) => options with { GrowAfter = time },
        ["shrink-after"] = (options, time) => options with { ShrinkAfter = time },
        ["farewell"] = (options, time) => options with { Farewell = time },
        ["longest-farewell"] = (options, time) => options with { LongestFarewell = time },
    };

    private static readonly Dictionary<string, Func<AdaptOptions, double, AdaptOptions>> Shares = new(StringComparer.Ordinal)
    {
        ["move-gain"] = (options, share) => options with { MoveGain = share },
        ["grow-above"] = (options, share) => options with { GrowAbove = share },
        ["shrink-below"] = (options, share) => options with { ShrinkBelow = share },
    };

    /// <summary>Reads all of them; what is not given keeps its default.</summary>
    /// <exception cref="CommandException">One is not of the form that it must have.</exception>
    public static AdaptOptions Parse(IEnumerable<string> values) => values.Aggregate(new AdaptOptions(), Apply);

    private static AdaptOptions Apply(AdaptOptions options, string given)
    {
        var (name, value) = given.Split('=', 2) is [var left, var right] ? (left, right) : (given, "");
        if (Times.TryGetValue(name, out var setTime))
            return Durations.TryParse(value, out var time) ? setTime(options, time) : throw Wrong(given, "a duration such as 30s or 10m");
        if (Shares.TryGetValue(name, out var setShare))
            return TryShare(value, out var share) ? setShare(options, share) : throw Wrong(given, "a share such as 20%, from 1% to 100%");
        throw new CommandException(ExitCode.WrongUsage, $"--adapt '{given}': there is no such name; there are {string.Join(", ", Times.Keys.Concat(Shares.Keys))}.");
    }

    private static bool TryShare(string text, out double share)
    {
        var isPercent = text.EndsWith('%') & int.TryParse(text.TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out var percent);
        share = percent / 100.0;
        return isPercent && percent is >= 1 and <= 100;
    }

    private static CommandException Wrong(string given, string wanted) => new(ExitCode.WrongUsage, $"--adapt '{given}': the value is {wanted}.");
}
