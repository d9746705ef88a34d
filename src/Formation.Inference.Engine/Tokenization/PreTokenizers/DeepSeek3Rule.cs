namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>
/// The words of DeepSeek V3 and R1 (numbers and CJK are cut out before):
/// <c>[ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class DeepSeek3Rule : MatchRule
{
    const CodePointClass Word = CodePointClass.Letter | CodePointClass.Mark;
    const CodePointClass Signs = CodePointClass.Punctuation | CodePointClass.Symbol;

    protected override int Match(in ClassifiedText text, int position)
    {
        if (IsAsciiSign(text[position]) && IsAsciiLetter(text[position + 1]))
        {
            do position++; while (IsAsciiLetter(text[position]));
            return position;
        }

        bool mayLead = !text.IsLineBreak(position) && !text.Is(position, CodePointClass.Letter | Signs);
        if (mayLead && text.Is(position + 1, Word)) return text.SkipAny(position + 1, Word);
        if (text.Is(position, Word)) return text.SkipAny(position, Word);

        int signs = text[position] == ' ' ? position + 1 : position;
        if (text.Is(signs, Signs)) return text.SkipLineBreaks(text.SkipAny(signs, Signs));
        return WhiteSpaceRuns.MatchLines(text, position);
    }

    static bool IsAsciiSign(int codePoint)
        => codePoint is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');

    static bool IsAsciiLetter(int codePoint) => codePoint is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z');
}
