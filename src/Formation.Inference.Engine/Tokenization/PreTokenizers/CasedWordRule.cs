namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>
/// The words of tekken and GPT-4o, which also end where lower case goes over into upper case:
/// <c>[^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, where C is
/// a contraction.
/// </summary>
/// <remarks>
/// As in the reference, U is every letter but a-z and L every letter but A-Z: letters outside ASCII are both. Marks are not letters.
/// </remarks>
/// <param name="maxDigits">Longest run of numbers that is one word.</param>
/// <param name="withContractions">Whether a contraction belongs to the word before it.</param>
internal sealed class CasedWordRule(int maxDigits, bool withContractions) : MatchRule
{
    const CodePointClass WordOrSpace = CodePointClass.Letter | CodePointClass.Number | CodePointClass.WhiteSpace;

    protected override int Match(in ClassifiedText text, int position)
    {
        if (text.Is(position, CodePointClass.Number))
        {
            int limit = Math.Min(position + maxDigits, text.Length);
            do position++; while (position < limit && text.Is(position, CodePointClass.Number));
            return position;
        }

        int word = text.Is(position, CodePointClass.Letter) || text.IsLineBreak(position) ? position : position + 1;
        if (text.Is(word, CodePointClass.Letter))
        {
            int end = MatchLetters(text, word);
            return withContractions ? Contractions.Match(text, end, ignoreCase: true) : end;
        }

        int symbols = text[position] == ' ' ? position + 1 : position;
        if (text.IsNot(symbols, WordOrSpace))
        {
            int end = text.SkipNone(symbols, WordOrSpace);
            while (text.IsLineBreak(end) || text[end] == '/') end++;
            return end;
        }
        return WhiteSpaceRuns.MatchLines(text, position);
    }

    /// <summary>
    /// <c>U*L+|U+L*</c> without going back: the letters that are U, then those that are L. Where no L follows, the last letter of the
    /// first run that is an L too (one outside ASCII) is the L of the first alternative, and with none the second alternative takes all.
    /// </summary>
    static int MatchLetters(in ClassifiedText text, int start)
    {
        int position = start, behindLastOfBoth = -1;
        for (; text.Is(position, CodePointClass.Letter) && text[position] is not (>= 'a' and <= 'z'); position++)
        {
            if (text[position] > 127) behindLastOfBoth = position + 1;
        }
        int upperEnd = position;
        while (text.Is(position, CodePointClass.Letter) && text[position] is not (>= 'A' and <= 'Z')) position++;
        return position > upperEnd || behindLastOfBoth < 0 ? position : behindLastOfBoth;
    }
}
