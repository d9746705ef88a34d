using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Consecutive query rows of one sequence.</summary>
/// <param name="FirstRow">Row of the first query.</param>
/// <param name="RowCount">Number of queries, at least 1.</param>
/// <param name="FirstPosition">Position in the sequence of the first query.</param>
/// <param name="BlockTable">Block of each <c>blockSize</c> positions, up to and with the last query's.</param>
public readonly record struct AttentionSlice(int FirstRow, int RowCount, int FirstPosition, ReadOnlyMemory<int> BlockTable)
{
    /// <summary>Position after the last query's.</summary>
    internal int EndPosition => FirstPosition + RowCount;
}

/// <summary>Where one position's keys and values lie.</summary>
/// <param name="Position">The position in its sequence.</param>
/// <param name="Block">The KV block.</param>
/// <param name="Slot">Index of the position in the block.</param>
public readonly record struct KvPlace(int Position, int Block, int Slot);

/// <summary>
/// The slices of a step, checked against the KV memory. Made once a step and used for every layer; it keeps its lists between steps.
/// </summary>
/// <param name="heads">Query heads, a multiple of the KV heads.</param>
/// <param name="layout">The layout of the KV memory.</param>
/// <param name="blocks">Blocks of the KV memory.</param>
public sealed class AttentionPlan(int heads, KvLayout layout, int blocks)
{
    private readonly List<AttentionSlice> _slices = [];
    private readonly List<KvPlace> _places = [];
    private readonly AttentionSchedule _schedule = new();

    /// <summary>Query heads that share a KV head.</summary>
    internal int GroupSize { get; } = heads % layout.Heads == 0
        ? heads / layout.Heads
        : throw new ArgumentException($"{heads} query heads are no multiple of {layout.Heads} KV heads", nameof(heads));

    public int Heads { get; } = heads;

    /// <summary>Query rows of all slices.</summary>
    public int RowCount => _places.Count;

    /// <summary>Where each row's keys and values lie.</summary>
    public ReadOnlySpan<KvPlace> Places => CollectionsMarshal.AsSpan(_places);

    internal KvLayout Layout => layout;

    internal ReadOnlySpan<AttentionSlice> Slices => CollectionsMarshal.AsSpan(_slices);

    /// <summary>Forgets the last step.</summary>
    public void Clear()
    {
        _slices.Clear();
        _places.Clear();
        _schedule.Invalidate();
    }

    /// <summary>Adds a slice, whose rows follow those of the slice before.</summary>
    /// <exception cref="ArgumentException">Rows, positions or blocks do not fit; nothing was added.</exception>
    public void Add(AttentionSlice slice)
    {
        if (slice.RowCount < 1 || slice.FirstRow != RowCount)
            throw new ArgumentException($"a slice of {slice.RowCount} rows from row {slice.FirstRow} does not follow {RowCount} rows");
        if (slice.FirstPosition < 0 || slice.FirstPosition > int.MaxValue - slice.RowCount)
            throw new ArgumentException($"a slice of {slice.RowCount} rows can't begin at position {slice.FirstPosition}");
        if ((long)slice.RowCount * GroupSize > int.MaxValue)
            throw new ArgumentException($"a slice of {slice.RowCount} rows has too many queries");
        var needed = (slice.EndPosition - 1) / layout.BlockSize + 1;
        if (slice.BlockTable.Length < needed)
        {
            throw new ArgumentException(
                $"{slice.EndPosition} positions need {needed} KV blocks; the block table has {slice.BlockTable.Length}");
        }
        var blockTable = slice.BlockTable.Span[..needed];
        foreach (var block in blockTable)
        {
            if ((uint)block >= (uint)blocks)
                throw new ArgumentException($"KV block {block} does not exist; there are {blocks}");
        }
        for (var position = slice.FirstPosition; position < slice.EndPosition; position++)
            _places.Add(new KvPlace(position, blockTable[position / layout.BlockSize], position % layout.BlockSize));
        _slices.Add(slice);
        _schedule.Invalidate();
    }

    /// <summary>The tasks for a number of threads and a window; valid until the next call.</summary>
    internal AttentionSchedule Schedule(int threads, int window)
    {
        _schedule.Arrange(this, threads, window);
        return _schedule;
    }
}
