namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>GPT-2's words: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.</summary>
internal sealed class Gpt2Rule : MatchRule
{
    const CodePointClass WordOrSpace = CodePointClass.Letter | CodePointClass.Number | CodePointClass.WhiteSpace;

    protected override int Match(in ClassifiedText text, int position)
    {
        int end = Contractions.Match(text, position, ignoreCase: false);
        if (end > position) return end;

        int word = text[position] == ' ' ? position + 1 : position;
        if (text.Is(word, CodePointClass.Letter)) return text.SkipAny(word, CodePointClass.Letter);
        if (text.Is(word, CodePointClass.Number)) return text.SkipAny(word, CodePointClass.Number);
        if (text.IsNot(word, WordOrSpace)) return text.SkipNone(word, WordOrSpace);
        return WhiteSpaceRuns.Match(text, position);
    }
}
