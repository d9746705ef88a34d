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
        int checkedTo = 0, chars = 0, bytes = 0;
        foreach (TextRange range in prompt.ControlRanges)
        {
            if (range.Start < checkedTo || range.Length < 0 || range.Length > prompt.Text.Length - range.Start)
            {
                throw new ArgumentException(
                    $"The control range at {range.Start} of length {range.Length} overlaps another or leaves the text ({prompt.Text.Length}).",
                    nameof(prompt));
            }
            checkedTo = range.End;

            // A surrogate pair that a border cuts is in no range.
            int first = IsInsidePair(prompt.Text, range.Start) ? range.Start + 1 : range.Start;
            int end = IsInsidePair(prompt.Text, range.End) ? range.End - 1 : range.End;
            if (end <= first) continue;
            int start = bytes + Encoding.UTF8.GetByteCount(prompt.Text.AsSpan(chars, first - chars));
            bytes = start + Encoding.UTF8.GetByteCount(prompt.Text.AsSpan(first, end - first));
            chars = end;
            if (ranges is [.., var last] && last.End == start) ranges[^1] = new TextRange(last.Start, bytes - last.Start);
            else ranges.Add(new TextRange(start, bytes - start));
        }
        return new Utf8Prompt(Encoding.UTF8.GetBytes(prompt.Text), ranges);
    }

    static bool IsInsidePair(string text, int position)
        => position > 0 && position < text.Length && char.IsSurrogatePair(text[position - 1], text[position]);
}
