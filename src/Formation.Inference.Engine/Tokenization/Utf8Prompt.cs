using System.Text;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>A prompt as UTF-8, with its control ranges in bytes, touching ones merged.</summary>
internal sealed class Utf8Prompt
{
    Utf8Prompt(byte[] text, IReadOnlyList<TextRange> controlRanges)
    {
        Text = text;
        ControlRanges = controlRanges;
    }

    public byte[] Text { get; }

    public IReadOnlyList<TextRange> ControlRanges { get; }

    /// <summary>Encodes a prompt; a lone surrogate becomes U+FFFD.</summary>
    /// <exception cref="ArgumentException">The ranges are out of order, overlap, or leave the text.</exception>
    public static Utf8Prompt From(PromptText prompt)
    {
        var ranges = new List<TextRange>();
        int chars = 0, bytes = 0;
        foreach (TextRange range in prompt.ControlRanges)
        {
            if (range.Start < chars || range.Length < 0 || range.Length > prompt.Text.Length - range.Start)
                throw new ArgumentException($"The control range at {range.Start} of length {range.Length} overlaps another or leaves the text of {prompt.Text.Length}.", nameof(prompt));
            int start = bytes + ByteCount(prompt.Text, chars, range.Start);
            bytes = start + ByteCount(prompt.Text, range.Start, range.End);
            chars = range.End;
            if (ranges is [.., var last] && last.End == start) ranges[^1] = new TextRange(last.Start, bytes - last.Start);
            else if (bytes > start) ranges.Add(new TextRange(start, bytes - start));
        }
        return new Utf8Prompt(Encoding.UTF8.GetBytes(prompt.Text), ranges);
    }

    /// <summary>
    /// UTF-8 bytes between two positions. One inside a surrogate pair counts as behind the pair's four bytes, so that the sum over
    /// a text's stretches is the text's length.
    /// </summary>
    static int ByteCount(string text, int start, int end)
    {
        if (IsInsidePair(text, start)) start++;
        if (IsInsidePair(text, end)) end++;
        return end <= start ? 0 : Encoding.UTF8.GetByteCount(text.AsSpan(start, end - start));
    }

    static bool IsInsidePair(string text, int position)
        => position > 0 && position < text.Length && char.IsSurrogatePair(text[position - 1], text[position]);
}
