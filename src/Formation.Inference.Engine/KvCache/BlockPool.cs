namespace Formation.Inference.Engine.KvCache;

/// <summary>
/// Owns the KV blocks of one engine: who holds each one, which full ones can be found by their prefix key, and which is given up first. A
/// block is either held (its reference count is positive), free with content that may be found again, or free and empty. Bookkeeping only:
/// the memory belongs to the stages.
/// </summary>
internal sealed class BlockPool
{
    const int None = -1;

    readonly int[] _references;
    readonly PrefixKey?[] _keys;
    readonly Dictionary<PrefixKey, int> _blockByKey = [];
    readonly Stack<int> _empty;
    readonly BlockList _cached;

    /// <param name="count">Number of blocks, at least 1.</param>
    public BlockPool(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _references = new int[count];
        _keys = new PrefixKey?[count];
        _cached = new BlockList(count);
        _empty = new Stack<int>(count);
        for (var block = count - 1; block >= 0; block--)
            _empty.Push(block);
    }

    /// <summary>Number of blocks.</summary>
    public int Count => _references.Length;

    /// <summary>Blocks that nobody holds.</summary>
    public int FreeCount => _empty.Count + _cached.Count;

    /// <summary>Blocks that someone holds.</summary>
    public int HeldCount => Count - FreeCount;

    /// <summary>Takes a free block for new content: an empty one, else the one whose content was unused for longest.</summary>
    /// <exception cref="InvalidOperationException">No block is free; the caller asks <see cref="FreeCount"/> first.</exception>
    public int Allocate()
    {
        if (!_empty.TryPop(out var block))
        {
            block = _cached.First;
            if (block == None)
                throw new InvalidOperationException($"All {Count} KV blocks are held.");
            Forget(block);
        }

        _references[block] = 1;
        return block;
    }

    /// <summary>Finds a block by its content. The caller takes hold of it before anything else is allocated.</summary>
    public bool TryFind(PrefixKey key, out int block) => _blockByKey.TryGetValue(key, out block);

    /// <summary>Whether nobody holds this block.</summary>
    public bool IsFree(int block) => _references[block] == 0;

    /// <summary>Takes hold of a block that was found.</summary>
    public void AddReference(int block)
    {
        if (_references[block]++ > 0)
            return;
        if (_keys[block] is null)
            throw new InvalidOperationException($"Block {block} is empty and can't be shared.");
        _cached.Remove(block);
    }

    /// <summary>Lets go of a block.</summary>
    public void Release(int block)
    {
        if (_references[block] <= 0)
            throw new InvalidOperationException($"Block {block} is released more often than it was taken.");
        if (--_references[block] > 0)
            return;
        if (_keys[block] is null)
            _empty.Push(block);
        else
            _cached.AddLast(block);
    }

    /// <summary>Makes a held, full block findable. Where another block has the same content, that one stays the one to be found.</summary>
    public void Publish(int block, PrefixKey key)
    {
        if (_references[block] <= 0)
            throw new InvalidOperationException($"Block {block} is not held and can't be published.");
        if (_keys[block] is null && _blockByKey.TryAdd(key, block))
            _keys[block] = key;
    }

    /// <summary>Forgets the content of all free blocks: the memory that held it is gone.</summary>
    public void ForgetCached()
    {
        for (var block = _cached.First; block != None; block = _cached.First)
        {
            Forget(block);
            _empty.Push(block);
        }
    }

    /// <summary>Audits everything against the tables of all sequences: no block is lost, shared by mistake or freed twice.</summary>
    /// <exception cref="InvalidOperationException">Something does not add up; the message says what.</exception>
    public void CheckIntegrity(IEnumerable<BlockTable> tables)
    {
        var expected = new int[Count];
        foreach (var table in tables)
            foreach (var block in table.Blocks)
                expected[block]++;

        var empty = new HashSet<int>(_empty);
        Require(empty.Count == _empty.Count, "a block is free twice");
        Require(_cached.CheckIntegrity(), "the list of cached free blocks is broken");
        for (var block = 0; block < Count; block++)
        {
            var (references, key) = (_references[block], _keys[block]);
            Require(references == expected[block], $"block {block} has {references} references, tables hold {expected[block]}");
            Require(empty.Contains(block) == (references == 0 && key is null), $"block {block} is wrongly (not) among the empty");
            Require(_cached.Contains(block) == (references == 0 && key is not null), $"block {block} is wrongly (not) among the cached");
            Require(key is null || (TryFind(key.Value, out var found) && found == block), $"block {block} can't be found by its key");
        }

        Require(_blockByKey.Count == _keys.Count(key => key is not null), "a key leads to a block that does not have it");
    }

    void Forget(int block)
    {
        _cached.Remove(block);
        _blockByKey.Remove(_keys[block]!.Value);
        _keys[block] = null;
    }

    static void Require(bool condition, string violation)
    {
        if (!condition)
            throw new InvalidOperationException($"KV block integrity: {violation}.");
    }
}
