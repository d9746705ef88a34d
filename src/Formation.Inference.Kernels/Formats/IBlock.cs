using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>A block of a quantised format: the smallest group of values that can be read by itself, laid out as in a GGUF file.</summary>
/// <typeparam name="TSelf">The struct that has the block's layout.</typeparam>
internal unsafe interface IBlock<TSelf>
    where TSelf : unmanaged, IBlock<TSelf>
{
    static abstract TensorType Type { get; }

    /// <summary>Values in a block.</summary>
    static abstract int ValueCount { get; }

    /// <summary>Writes the block's values. The definition of the format; the other overload gives the same bits.</summary>
    static abstract void Dequantize(TSelf* block, float* values);

    /// <summary>Writes the block's values with vectors.</summary>
    static abstract void Dequantize<TFloats>(TSelf* block, float* values)
        where TFloats : struct, IFloats<TFloats>;

    /// <summary>Stores finite values as a block, each rounded to the nearest that the block's scales allow.</summary>
    static abstract void Quantize(float* values, TSelf* block);
}
