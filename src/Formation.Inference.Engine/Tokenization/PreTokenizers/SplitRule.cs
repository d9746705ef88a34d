namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>One step of a pre-tokenizer: cuts a piece of text into smaller pieces.</summary>
/// <remarks>
/// A rule stands for one regular expression of the reference, written out over code points: exact, and linear on any input, which a
/// backtracking engine is not and .NET's linear engine can't be (it has no lookahead).
/// </remarks>
internal abstract class SplitRule
{
    /// <summary>Appends to <paramref name="ends"/> the end of each piece of <paramref name="text"/>, the last being its length.</summary>
    /// <param name="text">The piece to cut; not empty. The rule sees nothing around it.</param>
    /// <param name="offset">What is added to each end.</param>
    public abstract void Split(in ClassifiedText text, int offset, List<int> ends);
}

/// <summary>A rule that is a match at a position; text between matches stays together.</summary>
internal abstract class MatchRule : SplitRule
{
    /// <summary>
    /// End of the match that starts at <paramref name="position"/>, or <paramref name="position"/> itself where there is none. Takes
    /// time in proportion to the match, and constant time where there is none.
    /// </summary>
    protected abstract int Match(in ClassifiedText text, int position);

    public sealed override void Split(in ClassifiedText text, int offset, List<int> ends)
    {
        int gap = 0, position = 0;
        while (position < text.Length)
        {
            int end = Match(text, position);
            if (end == position)
            {
                position++;
                continue;
            }
            if (position > gap) ends.Add(offset + position);
            ends.Add(offset + end);
            gap = position = end;
        }
        if (gap < text.Length) ends.Add(offset + text.Length);
    }
}
