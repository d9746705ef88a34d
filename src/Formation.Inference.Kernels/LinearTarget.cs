using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels;

/// <summary>A linear layer and where its result goes.</summary>
/// <param name="Weight">Shape: (outputs, inputs).</param>
/// <param name="Bias">One float32 an output, or an empty region.</param>
/// <param name="Y">Float32. Shape: (rows, outputs), row-major. It must not overlap the input.</param>
public readonly record struct LinearTarget(PackedMatrix Weight, MemoryRegion Bias, MemoryRegion Y);
