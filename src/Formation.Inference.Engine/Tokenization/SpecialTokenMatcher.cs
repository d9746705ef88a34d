using System.Buffers;
using System.Text;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>A special token found in a text, in bytes.</summary>
internal readonly record struct SpecialMatch(int Start, int Length, int Id)
{
    public int End => Start + Length;
}

/// <summary>
/// Finds special tokens in a text: control tokens only where they may be, user-defined ones everywhere. Longer tokens win over shorter
/// ones wherever they overlap, then those with the smaller id, then those further left: the order in which the reference looks for them.
/// </summary>
internal sealed class SpecialTokenMatcher
{
    readonly ByteTrie _tokens = new();
    readonly SearchValues<byte> _firstBytes;
    readonly bool[] _isControl;

    public SpecialTokenMatcher(Vocabulary vocabulary)
    {
        var firstBytes = new HashSet<byte>();
        _isControl = new bool[vocabulary.Count];
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (!vocabulary.IsSpecial(id)) continue;
            byte[] text = Encoding.UTF8.GetBytes(vocabulary.Text(id));
            firstBytes.Add(text[0]);
            _tokens.Add(text, id);
            _isControl[id] = vocabulary.Kind(id) != TokenKind.UserDefined;
        }
        _firstBytes = SearchValues.Create([.. firstBytes]);
    }

    /// <summary>The special tokens of a text, from left to right, not overlapping.</summary>
    /// <param name="controlRanges">Ranges of bytes in which control tokens count, in order, not touching each other.</param>
    public List<SpecialMatch> Find(ReadOnlySpan<byte> text, IReadOnlyList<TextRange> controlRanges)
    {
        var waiting = new PriorityQueue<SpecialMatch, (int NegativeLength, int Id, int Start)>();
        int range = 0;
        for (int start = NextCandidate(text, 0); start < text.Length; start = NextCandidate(text, start + 1))
        {
            while (range < controlRanges.Count && controlRanges[range].End <= start) range++;
            if (Longest(text, start, text.Length - start, ControlLimit(controlRanges, range, start)) is { } match) Enqueue(waiting, match);
        }
        return waiting.Count == 0 ? [] : TakeInOrder(text, controlRanges, waiting);
    }

    List<SpecialMatch> TakeInOrder(
        ReadOnlySpan<byte> text, IReadOnlyList<TextRange> controlRanges, PriorityQueue<SpecialMatch, (int, int, int)> waiting)
    {
        var taken = new List<SpecialMatch>();
        bool[] covered = ArrayPool<bool>.Shared.Rent(text.Length);
        Array.Clear(covered, 0, text.Length);
        while (waiting.TryDequeue(out SpecialMatch match, out _))
        {
            int free = covered.AsSpan(match.Start, match.Length).IndexOf(true);
            if (free < 0)
            {
                covered.AsSpan(match.Start, match.Length).Fill(true);
                taken.Add(match);
            }
            else if (free > 0)
            {
                // A longer token took the end of this one; a shorter token may still fit in front of it.
                int control = Math.Min(free, ControlLimit(controlRanges, RangeAt(controlRanges, match.Start), match.Start));
                if (Longest(text, match.Start, free, control) is { } shorter) Enqueue(waiting, shorter);
            }
        }
        ArrayPool<bool>.Shared.Return(covered);
        taken.Sort((left, right) => left.Start.CompareTo(right.Start));
        return taken;
    }

    static void Enqueue(PriorityQueue<SpecialMatch, (int, int, int)> waiting, SpecialMatch match)
        => waiting.Enqueue(match, (-match.Length, match.Id, match.Start));

    int NextCandidate(ReadOnlySpan<byte> text, int from)
    {
        if (from >= text.Length) return text.Length;
        int offset = text[from..].IndexOfAny(_firstBytes);
        return offset < 0 ? text.Length : from + offset;
    }

    /// <summary>The longest token at a position.</summary>
    /// <param name="limit">Most bytes of a token.</param>
    /// <param name="controlLimit">Most bytes of a control token.</param>
    SpecialMatch? Longest(ReadOnlySpan<byte> text, int start, int limit, int controlLimit)
    {
        SpecialMatch? longest = null;
        int node = ByteTrie.Root;
        for (int length = 1; length <= limit; length++)
        {
            node = _tokens.Step(node, text[start + length - 1]);
            if (node < 0) break;
            int id = _tokens.ValueAt(node);
            if (id >= 0 && (!_isControl[id] || length <= controlLimit)) longest = new SpecialMatch(start, length, id);
        }
        return longest;
    }

    /// <summary>Bytes from <paramref name="start"/> to the end of the control range around it; 0 outside of one.</summary>
    static int ControlLimit(IReadOnlyList<TextRange> ranges, int range, int start)
        => range < ranges.Count && ranges[range].Start <= start ? ranges[range].End - start : 0;

    /// <summary>Index of the first range that ends behind a position.</summary>
    static int RangeAt(IReadOnlyList<TextRange> ranges, int position)
    {
        int low = 0, high = ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ranges[middle].End <= position) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
