using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Speculation.Lookup;

/// <summary>
/// Finds where a sequence had the tokens that it ends with before. Each token is entered once, when it is new; places where the same two tokens
/// end hang together in a chain, the newest first, as in LZ77 compressors. Search looks at a bounded number of places, and memory is bounded: of
/// a sequence longer than <see cref="Window"/> the oldest places are forgotten.
/// </summary>
internal sealed class NgramIndex
{
    /// <summary>Tokens that must agree before a guess is made.</summary>
    public const int Shortest = 2;

    /// <summary>Tokens that are compared; a longer agreement is found by following one.</summary>
    public const int Longest = 16;

    /// <summary>Newest tokens whose places are known. 1 MiB of memory at most.</summary>
    internal const int Window = 1 << 16;

    const int FewestSlots = 256, SlotsForPlace = 2, MostPlaces = 32;

    // A place is the position behind its two tokens; 0 is none. Chains are told apart by hash only, so what they lead to is compared.
    int[] _newest = new int[FewestSlots * SlotsForPlace];
    int[] _older = new int[FewestSlots];
    int _entered;
    int _next;

    /// <summary>How many of the newest tokens agree with those before the place that was found; 0 where there is none.</summary>
    public int MatchLength { get; private set; }

    /// <summary>Tokens that there is memory for.</summary>
    internal int Capacity => _older.Length;

    /// <summary>Takes the tokens that the history has more than at the last call, and finds the place where most of its end stands.</summary>
    public void Extend(Sequence history)
    {
        if (_entered == history.Length)
            return;
        for (; _entered < history.Length; _entered++)
        {
            if (_entered >= _older.Length && _older.Length < Window)
                Grow(history);
            MatchLength = MatchLength > 0 && history[_next++] == history[_entered] ? MatchLength + 1 : 0;
            Enter(history, _entered);
        }

        FindLongest(history);
    }

    /// <summary>Appends what followed at the place that was found to the history's draft.</summary>
    public void Continue(Sequence history, int limit)
    {
        // Where the place is so near that what follows it is the draft itself, the draft repeats its period.
        for (var i = 0; i < limit && MatchLength > 0; i++)
            history.Draft.Add(history[_next + i]);
    }

    /// <summary>The place with the longest agreement counts, of equals the newest; the one at hand stays where it agrees in more.</summary>
    void FindLongest(Sequence history)
    {
        var end = history.Length;
        if (end < Shortest)
            return;
        var (best, bestLength) = (0, Math.Max(Shortest, MatchLength) - 1);
        var place = Older(end);
        for (var looked = 0; place > 0 && looked < MostPlaces; looked++, place = Older(place))
            if (Agreement(history, place, end) is var length && length > bestLength)
                (best, bestLength) = (place, length);
        if (best > 0)
            (_next, MatchLength) = (best, bestLength);
    }

    void Enter(Sequence history, int position)
    {
        if (position < Shortest - 1)
            return;
        ref var newest = ref _newest[SlotOf(history[position - 1], history[position])];
        (_older[(position + 1) & (_older.Length - 1)], newest) = (newest, position + 1);
    }

    /// <summary>The place before another in its chain, or 0 where it is none or forgotten.</summary>
    int Older(int place)
    {
        var older = _older[place & (_older.Length - 1)];
        return older > _entered - _older.Length && older < place ? older : 0;
    }

    int SlotOf(int first, int second)
    {
        var hash = ((uint)first * 0x9E3779B1 ^ (uint)second) * 0x85EBCA6B;
        return (int)((hash ^ (hash >> 15)) & (uint)(_newest.Length - 1));
    }

    void Grow(Sequence history)
    {
        (_newest, _older) = (new int[_newest.Length * 2], new int[_older.Length * 2]);
        for (var position = 0; position < _entered; position++)
            Enter(history, position);
    }

    static int Agreement(Sequence history, int place, int end)
    {
        var length = 0;
        while (length < Longest && length < place && history[place - 1 - length] == history[end - 1 - length])
            length++;
        return length;
    }
}
