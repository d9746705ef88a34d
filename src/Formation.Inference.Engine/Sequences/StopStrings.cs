namespace Formation.Inference.Engine.Sequences;

/// <summary>The stop strings of a request, prepared for search (Knuth, Morris and Pratt). Shared by its choices.</summary>
internal sealed class StopStrings
{
    readonly string[] _patterns;
    readonly int[][] _borders;

    public StopStrings(IReadOnlyList<string> patterns)
    {
        _patterns = patterns.Where(pattern => pattern.Length > 0).ToArray();
        _borders = Array.ConvertAll(_patterns, BordersOf);
    }

    public int Count => _patterns.Length;

    public string this[int pattern] => _patterns[pattern];

    /// <summary>Length of the longest proper prefix of a stop string that is also its suffix.</summary>
    public int BorderOf(int pattern) => _borders[pattern][^1];

    /// <summary>Takes one more character.</summary>
    /// <param name="pattern">Which stop string.</param>
    /// <param name="matched">How many of its characters the text ended with before.</param>
    /// <param name="next">The character.</param>
    /// <returns>How many of its characters the text ends with now.</returns>
    public int Advance(int pattern, int matched, char next)
    {
        var (text, borders) = (_patterns[pattern], _borders[pattern]);
        while (matched > 0 && (matched == text.Length || text[matched] != next))
            matched = borders[matched - 1];
        return text[matched] == next ? matched + 1 : 0;
    }

    // borders[i]: length of the longest proper prefix of pattern[..(i + 1)] that is also its suffix.
    static int[] BordersOf(string pattern)
    {
        var borders = new int[pattern.Length];
        for (int i = 1, length = 0; i < pattern.Length; i++)
        {
            while (length > 0 && pattern[i] != pattern[length])
                length = borders[length - 1];
            if (pattern[i] == pattern[length])
                length++;
            borders[i] = length;
        }

        return borders;
    }
}
