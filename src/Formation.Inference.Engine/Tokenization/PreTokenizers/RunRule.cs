namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>Runs of one set of characters: <c>X+</c>, <c>X{n}</c> or <c>\s?X+</c>.</summary>
/// <param name="isMember">Whether the code point of that class is in the set X.</param>
/// <param name="minimum">Shortest run that matches.</param>
/// <param name="maximum">Longest run that one match takes.</param>
/// <param name="withSpace">Whether one white space character in front belongs to the run.</param>
internal sealed class RunRule(
    Func<int, CodePointClass, bool> isMember, int minimum = 1, int maximum = int.MaxValue, bool withSpace = false) : MatchRule
{
    protected override int Match(in ClassifiedText text, int position)
    {
        int start = withSpace && text.Is(position, CodePointClass.WhiteSpace) ? position + 1 : position;
        int end = start;
        while (end < text.Length && end - start < maximum && isMember(text[end], text.ClassAt(end))) end++;
        return end - start >= minimum ? end : position;
    }
}
