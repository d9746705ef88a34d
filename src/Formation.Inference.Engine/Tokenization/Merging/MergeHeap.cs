using System.Buffers;
using System.Diagnostics;

namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>A binary heap of merges that wait: the lowest priority value first, then the leftmost.</summary>
internal sealed class MergeHeap : IDisposable
{
    ulong[] _items = ArrayPool<ulong>.Shared.Rent(256);
    int _count;

    public void Clear() => _count = 0;

    public void Push(int priority, int position)
    {
        Debug.Assert(priority >= 0 && position >= 0, $"priority {priority}, position {position}");
        if (_count == _items.Length) Grow();
        ulong item = (ulong)(uint)priority << 32 | (uint)position;
        int child = _count++;
        while (child > 0)
        {
            int parent = (child - 1) / 2;
            if (_items[parent] <= item) break;
            _items[child] = _items[parent];
            child = parent;
        }
        _items[child] = item;
    }

    public bool TryPop(out int priority, out int position)
    {
        if (_count == 0)
        {
            priority = position = -1;
            return false;
        }
        ulong first = _items[0], last = _items[--_count];
        int parent = 0;
        for (int child = 1; child < _count; child = 2 * parent + 1)
        {
            if (child + 1 < _count && _items[child + 1] < _items[child]) child++;
            if (last <= _items[child]) break;
            _items[parent] = _items[child];
            parent = child;
        }
        _items[parent] = last;
        (priority, position) = ((int)(first >> 32), (int)(uint)first);
        return true;
    }

    public void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(_items);
        _items = [];
        _count = 0;
    }

    void Grow()
    {
        ulong[] larger = ArrayPool<ulong>.Shared.Rent(2 * _items.Length);
        _items.CopyTo(larger, 0);
        ArrayPool<ulong>.Shared.Return(_items);
        _items = larger;
    }
}
