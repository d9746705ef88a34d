using System.Collections.Frozen;

namespace Formation.Inference.Engine.Templates;

/// <summary>Letter case as Python's <c>str</c> methods change it; what a character becomes keeps that character's origin.</summary>
internal static class CaseMapping
{
    /// <summary>
    /// Characters whose upper case is more than one character (Unicode's SpecialCasing.txt, the unconditional entries): each entry is
    /// the character and what it becomes.
    /// </summary>
    const string Expansions =
        "\u00DFSS \u0149\u02BCN \u01F0J\u030C \u0390\u0399\u0308\u0301 \u03B0\u03A5\u0308\u0301 \u0587\u0535\u0552 " +
        "\u1E96H\u0331 \u1E97T\u0308 \u1E98W\u030A \u1E99Y\u030A \u1E9AA\u02BE \u1F50\u03A5\u0313 \u1F52\u03A5\u0313\u0300 " +
        "\u1F54\u03A5\u0313\u0301 \u1F56\u03A5\u0313\u0342 \u1F80\u1F08\u0399 \u1F81\u1F09\u0399 \u1F82\u1F0A\u0399 " +
        "\u1F83\u1F0B\u0399 \u1F84\u1F0C\u0399 \u1F85\u1F0D\u0399 \u1F86\u1F0E\u0399 \u1F87\u1F0F\u0399 \u1F88\u1F08\u0399 " +
        "\u1F89\u1F09\u0399 \u1F8A\u1F0A\u0399 \u1F8B\u1F0B\u0399 \u1F8C\u1F0C\u0399 \u1F8D\u1F0D\u0399 \u1F8E\u1F0E\u0399 " +
        "\u1F8F\u1F0F\u0399 \u1F90\u1F28\u0399 \u1F91\u1F29\u0399 \u1F92\u1F2A\u0399 \u1F93\u1F2B\u0399 \u1F94\u1F2C\u0399 " +
        "\u1F95\u1F2D\u0399 \u1F96\u1F2E\u0399 \u1F97\u1F2F\u0399 \u1F98\u1F28\u0399 \u1F99\u1F29\u0399 \u1F9A\u1F2A\u0399 " +
        "\u1F9B\u1F2B\u0399 \u1F9C\u1F2C\u0399 \u1F9D\u1F2D\u0399 \u1F9E\u1F2E\u0399 \u1F9F\u1F2F\u0399 \u1FA0\u1F68\u0399 " +
        "\u1FA1\u1F69\u0399 \u1FA2\u1F6A\u0399 \u1FA3\u1F6B\u0399 \u1FA4\u1F6C\u0399 \u1FA5\u1F6D\u0399 \u1FA6\u1F6E\u0399 " +
        "\u1FA7\u1F6F\u0399 \u1FA8\u1F68\u0399 \u1FA9\u1F69\u0399 \u1FAA\u1F6A\u0399 \u1FAB\u1F6B\u0399 \u1FAC\u1F6C\u0399 " +
        "\u1FAD\u1F6D\u0399 \u1FAE\u1F6E\u0399 \u1FAF\u1F6F\u0399 \u1FB2\u1FBA\u0399 \u1FB3\u0391\u0399 \u1FB4\u0386\u0399 " +
        "\u1FB6\u0391\u0342 \u1FB7\u0391\u0342\u0399 \u1FBC\u0391\u0399 \u1FC2\u1FCA\u0399 \u1FC3\u0397\u0399 " +
        "\u1FC4\u0389\u0399 \u1FC6\u0397\u0342 \u1FC7\u0397\u0342\u0399 \u1FCC\u0397\u0399 \u1FD2\u0399\u0308\u0300 " +
        "\u1FD3\u0399\u0308\u0301 \u1FD6\u0399\u0342 \u1FD7\u0399\u0308\u0342 \u1FE2\u03A5\u0308\u0300 \u1FE3\u03A5\u0308\u0301 " +
        "\u1FE4\u03A1\u0313 \u1FE6\u03A5\u0342 \u1FE7\u03A5\u0308\u0342 \u1FF2\u1FFA\u0399 \u1FF3\u03A9\u0399 " +
        "\u1FF4\u038F\u0399 \u1FF6\u03A9\u0342 \u1FF7\u03A9\u0342\u0399 \u1FFC\u03A9\u0399 \uFB00FF \uFB01FI \uFB02FL \uFB03FFI " +
        "\uFB04FFL \uFB05ST \uFB06ST \uFB13\u0544\u0546 \uFB14\u0544\u0535 \uFB15\u0544\u053B \uFB16\u054E\u0546 " +
        "\uFB17\u0544\u053D";

    static readonly FrozenDictionary<char, string> UpperExpansions = Expansions.Split(' ').ToFrozenDictionary(
        entry => entry[0], entry => entry[1..]);

    delegate string Map(ReadOnlySpan<char> text);

    public static MarkedText Upper(RenderContext context, MarkedText text) => MapSegments(context, text, UpperText);

    public static MarkedText Lower(RenderContext context, MarkedText text) => MapSegments(context, text, LowerText);

    /// <summary>The first character in upper case, the others in lower case.</summary>
    public static MarkedText Capitalize(RenderContext context, MarkedText text) => Capitalize(context, text, TitleText);

    static MarkedText Capitalize(RenderContext context, MarkedText text, Map mapFirst)
    {
        if (text.Length == 0)
            return text;
        var first = CodePoints.LengthAt(text.Text, 0);
        return new MarkedTextBuilder(context)
            .Append(MapSegments(context, text.Slice(0, first), mapFirst))
            .Append(Lower(context, text.Slice(first, text.Length - first)))
            .Build();
    }

    /// <summary>Jinja's filter <c>title</c>: words begin after white space and after <c>- ( { [ &lt;</c>.</summary>
    public static MarkedText TitleWords(RenderContext context, MarkedText text) =>
        Title(context, text, c => !PythonWhitespace.IsSpace(c) && c is not ('-' or '(' or '{' or '[' or '<'), UpperText);

    /// <summary>Python's method <c>title</c>: words begin after anything that is not a letter.</summary>
    public static MarkedText TitleLetters(RenderContext context, MarkedText text) =>
        Title(context, text, c => char.IsLetter(c) || char.IsSurrogate(c), TitleText);

    static MarkedText Title(RenderContext context, MarkedText text, Func<char, bool> isInWord, Map mapFirst)
    {
        var builder = new MarkedTextBuilder(context);
        for (var at = 0; at < text.Length;)
        {
            var end = at;
            while (end < text.Length && !isInWord(text.Text[end]))
                end++;
            builder.Append(text, at, end - at);
            at = end;
            while (end < text.Length && isInWord(text.Text[end]))
                end++;
            builder.Append(Capitalize(context, text.Slice(at, end - at), mapFirst));
            at = end;
        }
        return builder.Build();
    }

    static MarkedText MapSegments(RenderContext context, MarkedText text, Map map)
    {
        var builder = new MarkedTextBuilder(context);
        foreach (var (start, length, isTemplate) in text.Segments())
            builder.Append(map(text.Text.AsSpan(start, length)), isTemplate);
        return builder.Build();
    }

    static string UpperText(ReadOnlySpan<char> text)
    {
        var upper = text.ToString().ToUpperInvariant();
        return upper.Any(UpperExpansions.ContainsKey)
            ? string.Concat(upper.Select(c => UpperExpansions.GetValueOrDefault(c) ?? c.ToString()))
            : upper;
    }

    /// <summary>
    /// One character as the first of a title: an expansion's first letter only, digraphs in their title form, Georgian as it is.
    /// </summary>
    static string TitleText(ReadOnlySpan<char> text)
    {
        var upper = UpperText(text);
        if (upper.Length > text.Length)
            return upper[..1] + LowerText(upper.AsSpan(1));
        return text[0] switch
        {
            >= '\u01C4' and <= '\u01C6' => "\u01C5",
            >= '\u01C7' and <= '\u01C9' => "\u01C8",
            >= '\u01CA' and <= '\u01CC' => "\u01CB",
            >= '\u01F1' and <= '\u01F3' => "\u01F2",
            >= '\u10D0' and <= '\u10FF' => text.ToString(),
            _ => upper,
        };
    }

    static string LowerText(ReadOnlySpan<char> text)
    {
        var lower = text.ToString().ToLowerInvariant().Replace("\u0130", "i\u0307");
        return text.Contains('\u03A3') ? LowerSigmas(lower, text) : lower;
    }

    /// <summary>A capital sigma that ends a word becomes the final form.</summary>
    static string LowerSigmas(string lower, ReadOnlySpan<char> text)
    {
        if (lower.Length != text.Length)
            return lower;
        var letters = lower.ToCharArray();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\u03A3' && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1])))
                letters[i] = '\u03C2';
        }
        return new string(letters);
    }
}
