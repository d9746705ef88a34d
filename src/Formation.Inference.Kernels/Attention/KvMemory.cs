using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Attention;

/// <summary>The keys and values of some layers in native memory, in blocks that whoever schedules hands out by number.</summary>
/// <remarks>Blocks are not cleared between uses: attention reads only positions that were stored.</remarks>
public sealed unsafe class KvMemory : IDisposable
{
    private readonly NativeBuffer _buffer;
    private readonly long _blockBytes;

    /// <param name="layout">Where a block's values lie.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="blocks">Number of blocks that each layer has.</param>
    /// <exception cref="OutOfMemoryException">The system does not give that much.</exception>
    public KvMemory(KvLayout layout, int layers, int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blocks);
        (Layout, Layers, Blocks) = (layout, layers, blocks);
        _blockBytes = layout.BytesPerBlock;
        _buffer = new NativeBuffer(checked(_blockBytes * layers * blocks));
    }

    public KvLayout Layout { get; }

    public int Layers { get; }

    public int Blocks { get; }

    /// <summary>Bytes of native memory.</summary>
    public long Bytes => _buffer.Length;

    /// <summary>Stores one position's keys and values.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="block">From 0.</param>
    /// <param name="slot">Index of the position in the block.</param>
    /// <param name="keys">Shape: (heads, headSize).</param>
    /// <param name="values">Shape: (heads, headSize).</param>
    /// <exception cref="ArgumentException">An index or a length does not fit the layout.</exception>
    public void Store(int layer, int block, int slot, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)Layers);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)block, (uint)Blocks);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, (uint)Layout.BlockSize);
        if (keys.Length != Layout.Width || values.Length != Layout.Width)
            throw new ArgumentException($"a position has {Layout.Width} keys and values, not {keys.Length} and {values.Length}");
        var size = Layout.HeadSize;
        var (tile, lane) = (slot / KvLayout.TilePositions, slot % KvLayout.TilePositions);
        for (var head = 0; head < Layout.Heads; head++)
        {
            KvCodec.Write(Layout, Keys(layer, block, head, tile), keys.Slice(head * size, size), lane, KvLayout.TilePositions);
            KvCodec.Write(Layout, Values(layer, block, head, tile), values.Slice(head * size, size), lane * size, 1);
        }
    }

    /// <summary>A tile's keys: (headSize, 16).</summary>
    internal byte* Keys(int layer, int block, int head, int tile) =>
        _buffer.Region.Pointer
        + ((long)layer * Blocks + block) * _blockBytes
        + ((long)head * Layout.TilesPerBlock + tile) * 2 * Layout.TileHalfBytes;

    /// <summary>A tile's values: (16, headSize).</summary>
    internal byte* Values(int layer, int block, int head, int tile) => Keys(layer, block, head, tile) + Layout.TileHalfBytes;

    public void Dispose() => _buffer.Dispose();
}
