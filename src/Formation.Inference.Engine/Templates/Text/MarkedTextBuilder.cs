using System.Numerics;
using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Templates;

/// <summary>Builds a <see cref="MarkedText"/>, charging the render's budget for what is written.</summary>
/// <param name="context">The render that pays.</param>
/// <param name="isOutput">Whether the limit is that of the whole output rather than that of one string.</param>
internal sealed class MarkedTextBuilder(RenderContext context, bool isOutput = false)
{
    static readonly MarkedText Space = MarkedText.Template(" ");

    readonly StringBuilder _text = new();
    readonly List<TextRange> _ranges = [];

    public int Length => _text.Length;

    public MarkedTextBuilder Append(MarkedText text)
    {
        Reserve(text.Length, text.ControlRanges.Count);
        foreach (var range in text.ControlRanges)
            Mark(_text.Length + range.Start, range.Length);
        _text.Append(text.Text);
        return this;
    }

    public MarkedTextBuilder Append(MarkedText text, int start, int length) =>
        start == 0 && length == text.Length ? Append(text) : Append(text.Slice(start, length));

    public MarkedTextBuilder Append(ReadOnlySpan<char> text, bool isTemplate)
    {
        Reserve(text.Length, 1);
        if (isTemplate)
            Mark(_text.Length, text.Length);
        _text.Append(text);
        return this;
    }

    /// <summary>Text that came from, or can't be told from, data.</summary>
    public MarkedTextBuilder AppendData(ReadOnlySpan<char> text) => Append(text, isTemplate: false);

    public MarkedTextBuilder AppendData(char c) => Append([c], isTemplate: false);

    /// <summary>A text as often as given, nothing where that is not positive.</summary>
    public MarkedTextBuilder AppendRepeated(MarkedText text, BigInteger count)
    {
        if (count.Sign <= 0 || text.Length == 0)
            return this;
        var times = (int)BigInteger.Min(count, int.MaxValue);
        Reserve((long)text.Length * times, (long)text.ControlRanges.Count * times);
        for (var i = times; i > 0; i--)
        {
            foreach (var range in text.ControlRanges)
                Mark(_text.Length + range.Start, range.Length);
            _text.Append(text.Text);
        }
        return this;
    }

    /// <summary>Spaces that the template asked for.</summary>
    public MarkedTextBuilder AppendSpaces(long count) => AppendRepeated(Space, count);

    public MarkedText Build() => _text.Length == 0 ? MarkedText.Empty : new MarkedText(_text.ToString(), [.. _ranges]);

    public StringValue BuildValue() => new(Build());

    void Mark(int start, int length)
    {
        if (length == 0)
            return;
        if (_ranges.Count > 0 && _ranges[^1].End == start)
            _ranges[^1] = new TextRange(_ranges[^1].Start, _ranges[^1].Length + length);
        else
            _ranges.Add(new TextRange(start, length));
    }

    void Reserve(long length, long ranges)
    {
        var limit = isOutput ? context.Limits.MaxOutputLength : context.Limits.MaxStringLength;
        if (length > limit - _text.Length)
            throw context.LimitExceeded(
                isOutput ? $"the output exceeds the limit of {limit} characters." : $"a string exceeds the limit of {limit} characters.");
        context.Charge(1 + length / ChatTemplateLimits.CharactersPerStep + ranges / 4);
    }
}
