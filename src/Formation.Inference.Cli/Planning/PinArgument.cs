using System.Globalization;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Planning;

/// <summary>Layers that <c>--pin NODE=FIRST-LAST</c> gives to a node.</summary>
static class PinArgument
{
    /// <exception cref="CommandException">It is not of that form.</exception>
    public static NodePin Parse(string text)
    {
        var parts = text.Split('=');
        if (parts.Length == 2 && parts[0].Length > 0)
        {
            var ends = parts[1].Split('-');
            if (ends.Length is 1 or 2 && Layer(ends[0]) is { } first && Layer(ends[^1]) is { } last && last >= first)
                return new NodePin(parts[0], new LayerSpan(first, last - first + 1));
        }
        throw new CommandException(ExitCode.WrongUsage, $"--pin '{text}' is not of the form NODE=FIRST-LAST; write for instance a=0-7");
    }

    // Far more layers than any model has, and little enough to add.
    private static int? Layer(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) && layer <= 1 << 20 ? layer : null;
}
