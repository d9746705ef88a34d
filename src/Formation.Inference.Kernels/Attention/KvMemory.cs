using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>The keys and values of some layers in native memory, in blocks that whoever schedules hands out by number.</summary>
/// <remarks>Blocks are not cleared between uses: attention reads only positions that were stored.</remarks>
public sealed unsafe class KvMemory : IDisposable
{
    // A kernel's last vector of values may read past the last row.
    private const int SlackBytes = Sixteen.Lanes * sizeof(float);

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
        Bytes = checked(_blockBytes * layers * blocks);
        // Blocks are scattered: with small pages each would cost a walk through the page tables.
        _buffer = new NativeBuffer(checked(Bytes + SlackBytes), hugePages: true);
    }

    public KvLayout Layout { get; }

    public int Layers { get; }

    public int Blocks { get; }

    /// <summary>Bytes that the blocks take.</summary>
    public long Bytes { get; }

    /// <summary>
    /// Stores one position's keys and values. Values past the format's range are stored as its largest, and NaN as 0.
    /// </summary>
    /// <param name="layer">From 0.</param>
    /// <param name="block">From 0.</param>
    /// <param name="slot">Index of the position in the block.</param>
    /// <param name="keys">Shape: (heads, headSize).</param>
    /// <param name="values">Shape: (heads, headSize).</param>
    /// <exception cref="ArgumentException">An index or a length does not fit the layout.</exception>
    public void Store(int layer, int block, int slot, ReadOnlySpan<float> keys, ReadOnlySpan<float> values) =>
        Store(layer, block, slot, keys, values, KernelPaths.Current);

    internal void Store(int layer, int block, int slot, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)Layers);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)block, (uint)Blocks);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, (uint)Layout.BlockSize);
        if (keys.Length != Layout.Width || values.Length != Layout.Width)
            throw new ArgumentException($"a position has {Layout.Width} keys and values, not {keys.Length} and {values.Length}");
        fixed (float* pk = keys, pv = values)
            VectorKernel.Run(new StoreKernel(this, layer, block, slot, pk, pv), path);
    }

    /// <summary>A tile's keys: (headSize, 16).</summary>
    internal byte* Keys(int layer, int block, int head, int tile) =>
        _buffer.Region.Pointer
        + ((long)layer * Blocks + block) * _blockBytes
        + ((long)head * Layout.TilesPerBlock + tile) * 2 * Layout.TileHalfBytes;

    /// <summary>A tile's values: (16, headSize).</summary>
    internal byte* Values(int layer, int block, int head, int tile) => Keys(layer, block, head, tile) + Layout.TileHalfBytes;

    public void Dispose() => _buffer.Dispose();

    private readonly struct StoreKernel(KvMemory memory, int layer, int block, int slot, float* keys, float* values) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var layout = memory.Layout;
            var (tile, lane) = (slot / KvLayout.TilePositions, slot % KvLayout.TilePositions);
            for (var head = 0; head < layout.Heads; head++)
            {
                var first = head * layout.HeadSize;
                KvCodec.Write<TFloats>(layout, memory.Keys(layer, block, head, tile), isKey: true, keys + first, lane);
                KvCodec.Write<TFloats>(layout, memory.Values(layer, block, head, tile), isKey: false, values + first, lane);
            }
        }

        public void RunScalar()
        {
            var layout = memory.Layout;
            var (tile, lane) = (slot / KvLayout.TilePositions, slot % KvLayout.TilePositions);
            for (var head = 0; head < layout.Heads; head++)
            {
                var first = head * layout.HeadSize;
                KvCodec.Write(layout, memory.Keys(layer, block, head, tile), isKey: true, keys + first, lane);
                KvCodec.Write(layout, memory.Values(layer, block, head, tile), isKey: false, values + first, lane);
            }
        }
    }
}
