namespace Formation.Inference.Kernels.Memory;

/// <summary>
/// Memory in huge pages for what is large and read over and over. Its pieces lie side by side in chunks: alone, a piece of a few megabytes
/// would begin and end in small pages.
/// </summary>
/// <remarks>Safe to use from several threads. A chunk is freed when its last piece is.</remarks>
public sealed unsafe class HugePageArena
{
    /// <summary>Bytes of a chunk, except for one that holds a single larger piece. What of it is not used is never given by the system.</summary>
    public const long ChunkBytes = 64L << 20;

    private const long Alignment = 64;

    private readonly Lock _lock = new();
    private Chunk? _current;

    /// <summary>Takes zeroed memory, aligned to a cache line.</summary>
    /// <param name="length">Bytes; at least 0.</param>
    /// <returns>The memory, until it is disposed.</returns>
    /// <exception cref="OutOfMemoryException">The system does not give that much.</exception>
    public ArenaPiece Take(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        lock (_lock)
        {
            if (_current is null || _current.Buffer.Length - _current.Used < length)
                _current = new Chunk(this, new NativeBuffer(Math.Max(ChunkBytes, length), hugePages: true));
            var region = _current.Buffer.Region.Slice(_current.Used, length);
            _current.Used = Math.Min(_current.Buffer.Length, (_current.Used + length + Alignment - 1) / Alignment * Alignment);
            _current.Pieces++;
            return new ArenaPiece(_current, region);
        }
    }

    private void Return(Chunk chunk, MemoryRegion piece)
    {
        lock (_lock)
        {
            if (--chunk.Pieces > 0)
            {
                // Other pieces, perhaps of another model, keep the chunk, but not this memory.
                MemoryAdvice.Discard(piece.Pointer, piece.Length);
                return;
            }
            if (_current == chunk)
                _current = null;
            chunk.Buffer.Dispose();
        }
    }

    internal sealed class Chunk(HugePageArena owner, NativeBuffer buffer)
    {
        public NativeBuffer Buffer { get; } = buffer;

        public long Used { get; set; }

        public int Pieces { get; set; }

        public void Return(MemoryRegion piece) => owner.Return(this, piece);
    }
}
