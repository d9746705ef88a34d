namespace Formation.Inference.Kernels.Packing;

/// <summary>A run of numbers of the same width inside a stored block, in the block's own order.</summary>
/// <param name="Width">Bytes of a number: 1, 2, or 4 for a quad of quantised values.</param>
/// <param name="Count">Numbers in the run.</param>
internal readonly record struct PackedField(int Width, int Count);
