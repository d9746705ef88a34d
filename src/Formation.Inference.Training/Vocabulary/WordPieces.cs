using System.Text.RegularExpressions;

namespace Formation.Inference.Training.Vocabulary;

/// <summary>Cuts text into the pieces that BPE merges may not cross: the pre-tokenizer named "smollm" (single digits, then GPT-2's pattern).</summary>
internal static partial class WordPieces
{
    /// <summary>The pieces of a text, in order; together they are the text.</summary>
    public static IEnumerable<string> Of(string text)
    {
        var start = 0;
        foreach (Match digit in Digit().Matches(text))
        {
            foreach (var piece in Between(text, start, digit.Index))
                yield return piece;
            yield return text.Substring(digit.Index, digit.Length);
            start = digit.Index + digit.Length;
        }
        foreach (var piece in Between(text, start, text.Length))
            yield return piece;
    }

    private static IEnumerable<string> Between(string text, int start, int end) =>
        start == end ? [] : Words().Matches(text[start..end]).Select(match => match.Value);

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex Digit();

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
