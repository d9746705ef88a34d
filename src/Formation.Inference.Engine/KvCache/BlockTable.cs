namespace Formation.Inference.Engine.KvCache;

/// <summary>The KV blocks of one sequence: position p lies in block <c>p / blockSize</c> of the table.</summary>
internal sealed class BlockTable
{
    int[] _blocks = [];

    /// <summary>Number of blocks held.</summary>
    public int Count { get; private set; }

    /// <summary>The blocks in the order of their positions.</summary>
    public ReadOnlySpan<int> Span => _blocks.AsSpan(0, Count);

    /// <summary>The same for use outside the owner's stack; valid until the table changes.</summary>
    public ReadOnlyMemory<int> Memory => _blocks.AsMemory(0, Count);

    /// <summary>The same for audits.</summary>
    public IEnumerable<int> Blocks => _blocks.Take(Count);

    public int this[int index] => Span[index];

    public void Add(int block)
    {
        if (Count == _blocks.Length)
            Array.Resize(ref _blocks, Math.Max(4, Count * 2));
        _blocks[Count++] = block;
    }

    /// <summary>Lets go of all blocks, the last first, so that of free cached blocks a prefix outlives what follows it.</summary>
    public void ReleaseTo(BlockPool pool) => Trim(0, pool);

    /// <summary>Lets go of the blocks behind the first <paramref name="count"/>, the last first.</summary>
    public void Trim(int count, BlockPool pool)
    {
        while (Count > count)
            pool.Release(_blocks[--Count]);
    }
}
