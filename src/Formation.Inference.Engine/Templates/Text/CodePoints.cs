namespace Formation.Inference.Engine.Templates;

/// <summary>Counts text in Unicode code points, as Python's lengths and indices do; a lone surrogate counts as one.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        var pairs = 0;
        for (var i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDBFF'); i >= 0 && i < text.Length - 1; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
                pairs++;
        }
        return text.Length - pairs;
    }

    /// <summary>UTF-16 length of the code point at an offset.</summary>
    public static int LengthAt(string text, int offset) =>
        offset + 1 < text.Length && char.IsSurrogatePair(text[offset], text[offset + 1]) ? 2 : 1;

    /// <summary>UTF-16 offset of the code point with this index, which may be one past the last.</summary>
    public static int OffsetOf(string text, int index)
    {
        var first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDBFF');
        if (first < 0 || index <= first)
            return index;
        var offset = first;
        for (var i = first; i < index; i++)
            offset += LengthAt(text, offset);
        return offset;
    }

    /// <summary>Index of the code point at a UTF-16 offset.</summary>
    public static int IndexOf(string text, int offset) => Count(text[..offset]);

    /// <summary>
    /// Order of two texts by code points; UTF-16 order would put U+E000 to U+FFFF behind the supplementary planes' surrogates.
    /// </summary>
    public static int Compare(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        var (a, b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }
}
