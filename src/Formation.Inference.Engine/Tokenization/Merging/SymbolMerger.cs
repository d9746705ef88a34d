using System.Buffers;

namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>
/// Merges neighbours, always the most urgent pair of the whole text first, until none is left: the common part of byte-level and
/// SentencePiece BPE. O(n log n) for n symbols, and 36 bytes of memory for each.
/// </summary>
internal sealed class SymbolMerger(MergeRule rule) : IDisposable
{
    const int StepsBetweenCancellationChecks = 1 << 16;

    readonly MergeHeap _heap = new();
    Symbol[] _symbols = ArrayPool<Symbol>.Shared.Rent(256);
    int _count;

    /// <summary>Merges taken from the queue so far, by which tests see how work grows with the text.</summary>
    public long Steps { get; private set; }

    public void Clear() => _count = 0;

    /// <summary>Appends a symbol behind the others.</summary>
    public void Add(int start, int length, int id)
    {
        if (_count == _symbols.Length) Grow();
        _symbols[_count] = new Symbol { Start = start, Length = length, Id = id, Previous = _count - 1, Next = -1 };
        if (_count > 0) _symbols[_count - 1].Next = _count;
        _count++;
    }

    /// <summary>Merges all symbols; <see cref="Remaining"/> then lists what they became.</summary>
    /// <param name="text">The text whose stretches were added.</param>
    public void Merge(ReadOnlySpan<byte> text, CancellationToken cancellationToken)
    {
        _heap.Clear();
        for (int i = 0; i < _count; i++) Enqueue(text, i);

        while (_heap.TryPop(out int priority, out int position))
        {
            if (++Steps % StepsBetweenCancellationChecks == 0) cancellationToken.ThrowIfCancellationRequested();
            ref Symbol left = ref _symbols[position];
            if (left.Length == 0 || left.Priority != priority) continue;

            ref Symbol right = ref _symbols[left.Next];
            left.Length += right.Length;
            left.Id = left.Product;
            left.Next = right.Next;
            if (right.Next >= 0) _symbols[right.Next].Previous = position;
            right.Length = 0;

            if (left.Previous >= 0) Enqueue(text, left.Previous);
            Enqueue(text, position);
        }
    }

    /// <summary>The symbols that are left, in order.</summary>
    public SymbolList Remaining => new(_symbols, _count);

    public void Dispose()
    {
        _heap.Dispose();
        ArrayPool<Symbol>.Shared.Return(_symbols);
        _symbols = [];
        _count = 0;
    }

    void Enqueue(ReadOnlySpan<byte> text, int position)
    {
        ref Symbol left = ref _symbols[position];
        left.Priority = left.Next < 0 ? MergeRule.None : rule.Find(text, left, _symbols[left.Next], out left.Product);
        if (left.Priority != MergeRule.None) _heap.Push(left.Priority, position);
    }

    void Grow()
    {
        Symbol[] larger = ArrayPool<Symbol>.Shared.Rent(2 * _symbols.Length);
        _symbols.CopyTo(larger, 0);
        ArrayPool<Symbol>.Shared.Return(_symbols);
        _symbols = larger;
    }

    /// <summary>Enumerates the symbols that are left.</summary>
    internal readonly struct SymbolList(Symbol[] symbols, int count)
    {
        public Enumerator GetEnumerator() => new(symbols, count);

        internal struct Enumerator(Symbol[] symbols, int count)
        {
            int _position = -1;

            public readonly ref readonly Symbol Current => ref symbols[_position];

            public bool MoveNext()
            {
                _position = _position < 0 ? count > 0 ? 0 : -1 : symbols[_position].Next;
                return _position >= 0;
            }
        }
    }
}
