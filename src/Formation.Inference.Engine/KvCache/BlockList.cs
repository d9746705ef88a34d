namespace Formation.Inference.Engine.KvCache;

/// <summary>A linked list of block ids in arrays, the one added first in front: removal from the middle and no allocation.</summary>
internal sealed class BlockList
{
    const int None = -1;

    readonly int[] _next;
    readonly int[] _previous;
    readonly bool[] _contains;
    int _last = None;

    public BlockList(int capacity)
    {
        _next = new int[capacity];
        _previous = new int[capacity];
        _contains = new bool[capacity];
    }

    public int Count { get; private set; }

    /// <summary>The block that was added first, or -1.</summary>
    public int First { get; private set; } = None;

    public bool Contains(int block) => _contains[block];

    public void AddLast(int block)
    {
        if (_contains[block])
            throw new InvalidOperationException($"Block {block} is in the list already.");
        _contains[block] = true;
        _previous[block] = _last;
        _next[block] = None;
        if (_last == None)
            First = block;
        else
            _next[_last] = block;
        _last = block;
        Count++;
    }

    public void Remove(int block)
    {
        if (!_contains[block])
            throw new InvalidOperationException($"Block {block} is not in the list.");
        _contains[block] = false;
        var (previous, next) = (_previous[block], _next[block]);
        if (previous == None)
            First = next;
        else
            _next[previous] = next;
        if (next == None)
            _last = previous;
        else
            _previous[next] = previous;
        Count--;
    }

    /// <summary>Whether the links, the flags and the count agree.</summary>
    public bool CheckIntegrity()
    {
        var (seen, previous) = (0, None);
        for (var block = First; block != None && seen <= Count; block = _next[block])
        {
            if (!_contains[block] || _previous[block] != previous)
                return false;
            previous = block;
            seen++;
        }

        return seen == Count && previous == _last && _contains.Count(contained => contained) == Count;
    }
}
