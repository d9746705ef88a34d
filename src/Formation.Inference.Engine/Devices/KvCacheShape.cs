using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Engine.Devices;

/// <summary>The size of a stage's KV cache.</summary>
/// <param name="LayerCount">Layers of the stage.</param>
/// <param name="HeadCount">KV heads of a layer.</param>
/// <param name="HeadSize">Values of a head's key, and of its value.</param>
/// <param name="BlockCount">Blocks; the scheduler hands them out by number.</param>
/// <param name="BlockSize">Positions of a block, a multiple of 16.</param>
/// <param name="Format">How a value is stored.</param>
public sealed record KvCacheShape(int LayerCount, int HeadCount, int HeadSize, int BlockCount, int BlockSize, KvFormat Format)
{
    /// <summary>Positions of a block where nobody asks for another number.</summary>
    public const int DefaultBlockSize = 16;

    /// <summary>Bytes of a block over all layers of the stage.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit the format.</exception>
    public long BytesPerBlock => checked(Layout.BytesPerBlock * LayerCount);

    /// <summary>Bytes of the whole cache.</summary>
    public long Bytes => checked(BytesPerBlock * BlockCount);

    internal KvLayout Layout => new(HeadCount, HeadSize, BlockSize, Format);
}
