using System.Globalization;
using System.Text.RegularExpressions;

namespace Formation.Inference.Engine.Gguf;

/// <summary>The name of a part of a split file, such as model-00001-of-00003.gguf.</summary>
/// <param name="Prefix">Folder and name in front of the number.</param>
/// <param name="Number">From 1.</param>
/// <param name="Count">Number of parts.</param>
internal sealed partial record GgufSplitName(string Prefix, int Number, int Count)
{
    /// <summary>Takes a path apart, or gives null where it is not named so.</summary>
    public static GgufSplitName? Parse(string path)
    {
        var match = Pattern.Match(path);
        return match.Success
            ? new GgufSplitName(
                match.Groups["prefix"].Value,
                int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture),
                int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>The path of another part.</summary>
    public string PathOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{number:D5}-of-{Count:D5}.gguf");

    [GeneratedRegex(@"\A(?<prefix>.*)-(?<number>[0-9]{5})-of-(?<count>[0-9]{5})\.gguf\z", RegexOptions.Singleline)]
    private static partial Regex Pattern { get; }
}
