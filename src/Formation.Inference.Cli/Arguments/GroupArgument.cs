using System.CommandLine;
using System.Globalization;

namespace Formation.Inference.Cli.Arguments;

/// <summary>How many nodes share each layer: <c>2</c>, or <c>auto</c> for whatever is fastest, none included.</summary>
/// <param name="Size">The number, or null for the fastest.</param>
sealed record GroupArgument(int? Size)
{
    private const int MostNodes = 8;

    public static Option<GroupArgument?> Option(string description) => CommonOptions.Parsed(
        "--tensor-parallel", "N|auto", description, text => TryParse(text, out var group) ? group : null,
        $"is neither a whole number from 1 to {MostNodes} nor auto");

    internal static bool TryParse(string text, out GroupArgument? group)
    {
        group = null;
        if (text == "auto")
            group = new GroupArgument(default(int?));
        else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is >= 1 and <= MostNodes)
            group = new GroupArgument(size);
        return group is not null;
    }
}
