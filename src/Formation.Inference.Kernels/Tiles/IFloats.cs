namespace Formation.Inference.Kernels.Tiles;

/// <summary>A vector of float32 in one register of a <see cref="Dispatch.KernelPath"/>, so that a tile is written once for all widths.</summary>
internal unsafe interface IFloats<TSelf>
    where TSelf : struct, IFloats<TSelf>
{
    /// <summary>Lanes; divides <see cref="Tile.Lanes"/>.</summary>
    static abstract int Count { get; }

    static abstract TSelf Load(float* source);

    void Store(float* destination);

    /// <summary>left * right + addend, with one rounding where the processor has fused multiply-add.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);
}
