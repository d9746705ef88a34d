namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Where the keys and values of a block of positions lie. A block holds, for each KV head, tiles of <see cref="TilePositions"/> positions;
/// a tile holds its keys transposed, (headSize, 16), so that one vector has one dimension of 16 positions, and then its values,
/// (16, headSize).
/// </summary>
public sealed record KvLayout
{
    /// <summary>Positions of a tile. Attention sums tile by tile, so tiles are aligned to absolute positions.</summary>
    public const int TilePositions = 16;

    /// <summary>Largest size of a head: a kernel's scratch memory lies on the stack.</summary>
    public const int MaxHeadSize = 256;

    /// <summary>Values that share a scale in <see cref="KvFormat.Q8_0"/>.</summary>
    public const int ScaledValues = 32;

    /// <param name="heads">KV heads of a layer.</param>
    /// <param name="headSize">Values of a head's key, and of its value.</param>
    /// <param name="blockSize">Positions of a block, a multiple of <see cref="TilePositions"/>.</param>
    /// <param name="format">How a value is stored.</param>
    /// <exception cref="ArgumentException">A value is out of range; the message says which.</exception>
    public KvLayout(int heads, int headSize, int blockSize, KvFormat format)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(headSize, MaxHeadSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockSize);
        if (blockSize % TilePositions != 0)
            throw new ArgumentException($"a KV block of {blockSize} positions is no multiple of {TilePositions}", nameof(blockSize));
        if (format == KvFormat.Q8_0 && headSize % ScaledValues != 0)
        {
            throw new ArgumentException(
                $"heads of {headSize} values can't be stored as Q8_0: they are no multiple of {ScaledValues}; use F16", nameof(format));
        }
        (Heads, HeadSize, BlockSize, Format) = (heads, headSize, blockSize, format);
    }

    public int Heads { get; }

    public int HeadSize { get; }

    public int BlockSize { get; }

    public KvFormat Format { get; }

    /// <summary>Values of a position's keys (or values) over all heads.</summary>
    public int Width => Heads * HeadSize;

    /// <summary>Bytes of a block in one layer.</summary>
    public long BytesPerBlock => (long)Heads * TilesPerBlock * 2 * TileHalfBytes;

    internal int TilesPerBlock => BlockSize / TilePositions;

    /// <summary>Bytes of a tile's keys, which are those of its values.</summary>
    internal int TileHalfBytes => Format switch
    {
        KvFormat.F16 => HeadSize * TilePositions * sizeof(ushort),
        KvFormat.Q8_0 => HeadSize * TilePositions + ScalesPerTileHalf * sizeof(ushort),
        _ => HeadSize * TilePositions * sizeof(float),
    };

    internal int ScalesPerTileHalf => HeadSize / ScaledValues * TilePositions;
}
