namespace Formation.Inference.Kernels.Memory;

/// <summary>Memory of a <see cref="HugePageArena"/>.</summary>
public sealed class ArenaPiece : IDisposable
{
    private HugePageArena.Chunk? _chunk;
    private readonly MemoryRegion _region;

    internal ArenaPiece(HugePageArena.Chunk chunk, MemoryRegion region)
    {
        _chunk = chunk;
        _region = region;
    }

    /// <summary>Bytes of the piece.</summary>
    public long Length => _region.Length;

    /// <summary>The whole piece.</summary>
    public MemoryRegion Region
    {
        get
        {
            ObjectDisposedException.ThrowIf(_chunk is null, this);
            return _region;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Interlocked.Exchange(ref _chunk, null)?.Return(_region);
}
