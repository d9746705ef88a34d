namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Text for the tokenizer in which some ranges may hold control tokens (what the chat template itself wrote) and the rest may not
/// (what a user or tool wrote: a special token's look-alike in it is plain text).
/// </summary>
/// <param name="Text">The whole text.</param>
/// <param name="ControlRanges">Ranges that the template wrote, in order, not overlapping. A special token counts only where it lies wholly in one (adjacent ranges are merged).</param>
public sealed record PromptText(string Text, IReadOnlyList<TextRange> ControlRanges)
{
    /// <summary>Text in which nothing is a control token.</summary>
    public static PromptText Plain(string text) => new(text, []);

    /// <summary>Text in which every special token counts.</summary>
    public static PromptText Trusted(string text) => new(text, [new TextRange(0, text.Length)]);
}

/// <summary>A range of UTF-16 code units.</summary>
public readonly record struct TextRange(int Start, int Length)
{
    public int End => Start + Length;
}
