using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Templates;

/// <summary>
/// Immutable text that knows which of its ranges the template wrote (control ranges, in which special tokens count) and which came
/// from data. Every operation on template strings keeps this; where one can't tell, its result is data.
/// </summary>
internal sealed class MarkedText
{
    static readonly TextRange[] NoRanges = [];

    /// <summary>In order, not overlapping, not adjacent, none empty.</summary>
    readonly TextRange[] _controlRanges;

    internal MarkedText(string text, TextRange[] controlRanges)
    {
        Text = text;
        _controlRanges = controlRanges;
    }

    public static MarkedText Empty { get; } = new("", NoRanges);

    public string Text { get; }

    public int Length => Text.Length;

    public IReadOnlyList<TextRange> ControlRanges => _controlRanges;

    /// <summary>Text that the template, or the model's own configuration, wrote.</summary>
    public static MarkedText Template(string text) => text.Length == 0 ? Empty : new(text, [new TextRange(0, text.Length)]);

    /// <summary>Text of a message, a tool or a variable of the request.</summary>
    public static MarkedText Data(string text) => text.Length == 0 ? Empty : new(text, NoRanges);

    /// <summary>Whether the template wrote all of it.</summary>
    public bool IsTemplate => Length == 0 || (_controlRanges.Length == 1 && _controlRanges[0].Length == Length);

    public MarkedText Slice(int start, int length)
    {
        if (start == 0 && length == Length)
            return this;
        if (length == 0)
            return Empty;
        var ranges = new List<TextRange>();
        for (var i = FirstRangeEndingAfter(start); i < _controlRanges.Length && _controlRanges[i].Start < start + length; i++)
        {
            var from = Math.Max(_controlRanges[i].Start, start);
            var to = Math.Min(_controlRanges[i].End, start + length);
            ranges.Add(new TextRange(from - start, to - from));
        }
        return new MarkedText(Text.Substring(start, length), [.. ranges]);
    }

    /// <summary>The text cut where its origin changes.</summary>
    public IEnumerable<(int Start, int Length, bool IsTemplate)> Segments()
    {
        var at = 0;
        foreach (var range in _controlRanges)
        {
            if (range.Start > at)
                yield return (at, range.Start - at, false);
            yield return (range.Start, range.Length, true);
            at = range.End;
        }
        if (at < Length)
            yield return (at, Length - at, false);
    }

    int FirstRangeEndingAfter(int offset)
    {
        int low = 0, high = _controlRanges.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_controlRanges[middle].End > offset)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    public override string ToString() => $"[{Length} characters]";
}
