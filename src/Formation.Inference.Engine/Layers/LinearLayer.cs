using Formation.Inference.Engine.Devices;

namespace Formation.Inference.Engine.Layers;

/// <summary>A linear layer's parameters: y = x Wᵀ + b.</summary>
/// <param name="Weight">Shape: (outputs, inputs).</param>
/// <param name="Bias">One value an output, or null.</param>
public sealed record LinearLayer(DeviceWeight Weight, DeviceVector? Bias);
