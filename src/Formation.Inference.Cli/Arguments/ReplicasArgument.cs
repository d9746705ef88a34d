using System.CommandLine;
using System.Globalization;

namespace Formation.Inference.Cli.Arguments;

/// <summary>How many replicas: <c>2</c>, or between which numbers demand moves them: <c>1-4</c>.</summary>
/// <param name="Least">The number, or the least one.</param>
/// <param name="Most">The most, or null where the number stays.</param>
sealed record ReplicasArgument(int Least, int? Most)
{
    private const int MostReplicas = 1024;

    public static Option<ReplicasArgument?> Option(string description) => CommonOptions.Parsed(
        "--replicas", "N|MIN-MAX", description, text => TryParse(text, out var replicas) ? replicas : null,
        $"is neither a whole number from 1 to {MostReplicas} nor two of them such as 1-4");

    internal static bool TryParse(string text, out ReplicasArgument? replicas)
    {
        replicas = null;
        var parts = text.Split('-');
        if (parts.Length > 2 || !TryCount(parts[0], out var least) || !TryCount(parts[^1], out var most) || most < least)
            return false;
        replicas = new ReplicasArgument(least, parts.Length == 2 ? most : null);
        return true;
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= MostReplicas;
}
