namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>What rules do with runs of white space.</summary>
internal static class WhiteSpaceRuns
{
    /// <summary><c>\s+(?!\S)|\s+</c>: a run longer than one character leaves its last to the word behind it.</summary>
    public static int Match(in ClassifiedText text, int position)
    {
        int end = text.SkipAny(position, CodePointClass.WhiteSpace);
        return end - position > 1 && end < text.Length ? end - 1 : end;
    }

    /// <summary><c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: as <see cref="Match"/>, but a run with line breaks ends behind the last of them.</summary>
    public static int MatchLines(in ClassifiedText text, int position)
    {
        int end = position, lines = position;
        for (; text.Is(end, CodePointClass.WhiteSpace); end++)
        {
            if (text.IsLineBreak(end)) lines = end + 1;
        }
        if (lines > position) return lines;
        return end - position > 1 && end < text.Length ? end - 1 : end;
    }
}
