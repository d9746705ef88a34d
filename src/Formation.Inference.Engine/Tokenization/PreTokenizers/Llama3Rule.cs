namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>
/// Llama 3's words:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// Qwen 2 differs in the number of digits.
/// </summary>
/// <param name="maxDigits">Longest run of numbers that is one word.</param>
/// <param name="wordClasses">What a word is made of: letters, and for Qwen 3.5 combining marks too.</param>
internal sealed class Llama3Rule(int maxDigits, CodePointClass wordClasses = CodePointClass.Letter) : MatchRule
{
    readonly CodePointClass _wordOrSpace = wordClasses | CodePointClass.Number | CodePointClass.WhiteSpace;

    protected override int Match(in ClassifiedText text, int position)
    {
        int end = Contractions.Match(text, position, ignoreCase: true);
        if (end > position) return end;

        if (text.Is(position, CodePointClass.Number))
        {
            int limit = Math.Min(position + maxDigits, text.Length);
            do position++; while (position < limit && text.Is(position, CodePointClass.Number));
            return position;
        }

        bool mayLead = !text.IsLineBreak(position);
        if (text.Is(position, wordClasses) || (mayLead && text.Is(position + 1, wordClasses)))
            return text.SkipAny(position + 1, wordClasses);

        int symbols = text[position] == ' ' ? position + 1 : position;
        if (text.IsNot(symbols, _wordOrSpace)) return text.SkipLineBreaks(text.SkipNone(symbols, _wordOrSpace));
        return WhiteSpaceRuns.MatchLines(text, position);
    }
}
