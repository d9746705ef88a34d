using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// Where the keys and values of a block of positions lie. A block holds, for each KV head, tiles of <see cref="TilePositions"/> positions;
/// a tile holds its keys transposed, so that one vector has one dimension of 16 positions, and then its values.
/// </summary>
/// <remarks>
/// Two numbers that belong to one sum lie side by side, because that is how pairs of integers are multiplied and how pairs of halves are
/// converted soonest: keys as (headSize / 2, 16, 2), values as (8, headSize, 2). In <see cref="KvFormat.F32"/>, where nothing is converted,
/// they are (headSize, 16) and (16, headSize). The scales of <see cref="KvFormat.Q8_0"/> lie behind the integers of each half:
/// (headSize / 32, 16).
/// </remarks>
public sealed record KvLayout
{
    /// <summary>Positions of a tile. Attention sums tile by tile, so tiles are aligned to absolute positions.</summary>
    public const int TilePositions = 16;

    /// <summary>Largest size of a head: a kernel's scratch memory lies on the stack.</summary>
    public const int MaxHeadSize = 256;

    /// <summary>Values that share a scale in <see cref="KvFormat.Q8_0"/>.</summary>
    public const int ScaledValues = 32;

    /// <param name="heads">KV heads of a layer.</param>
    /// <param name="headSize">Values of a head's key, and of its value; even.</param>
    /// <param name="blockSize">Positions of a block, a multiple of <see cref="TilePositions"/>.</param>
    /// <param name="format">How a value is stored.</param>
    /// <exception cref="ArgumentException">A value is out of range; the message says which.</exception>
    public KvLayout(int heads, int headSize, int blockSize, KvFormat format)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(headSize, MaxHeadSize);
        if (headSize % 2 != 0)
            throw new ArgumentException($"heads of {headSize} values are no pairs", nameof(headSize));
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

    /// <summary>The head size in whole vectors of the widest kind.</summary>
    internal int PaddedHeadSize => (HeadSize + Sixteen.Lanes - 1) / Sixteen.Lanes * Sixteen.Lanes;

    internal int TilesPerBlock => BlockSize / TilePositions;

    /// <summary>Bytes of a tile's keys, which are those of its values.</summary>
    internal int TileHalfBytes => Format switch
    {
        KvFormat.F16 => HeadSize * TilePositions * sizeof(ushort),
        KvFormat.Q8_0 => ScalesOffset + ScalesPerTileHalf * sizeof(ushort),
        _ => HeadSize * TilePositions * sizeof(float),
    };

    /// <summary>Where the scales of half a tile begin, in bytes.</summary>
    internal int ScalesOffset => HeadSize * TilePositions;

    /// <summary>Index of a key's value in the keys of a tile.</summary>
    internal int KeyIndex(int dimension, int lane) => Format == KvFormat.F32
        ? dimension * TilePositions + lane
        : (dimension / 2 * TilePositions + lane) * 2 + dimension % 2;

    /// <summary>Index of a value in the values of a tile.</summary>
    internal int ValueIndex(int lane, int dimension) => Format == KvFormat.F32
        ? lane * HeadSize + dimension
        : (lane / 2 * HeadSize + dimension) * 2 + lane % 2;

    /// <summary>Index of a scale among those of half a tile.</summary>
    internal static int ScaleIndex(int group, int lane) => group * TilePositions + lane;

    private int ScalesPerTileHalf => HeadSize / ScaledValues * TilePositions;
}
