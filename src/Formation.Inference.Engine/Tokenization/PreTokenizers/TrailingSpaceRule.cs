namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary><c>\s+$</c>: the white space at the end of a piece is a piece of its own.</summary>
internal sealed class TrailingSpaceRule : SplitRule
{
    public override void Split(in ClassifiedText text, int offset, List<int> ends)
    {
        int start = text.Length;
        while (text.Is(start - 1, CodePointClass.WhiteSpace)) start--;
        if (start > 0 && start < text.Length) ends.Add(offset + start);
        ends.Add(offset + text.Length);
    }
}
