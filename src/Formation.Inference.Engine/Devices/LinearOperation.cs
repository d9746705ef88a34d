namespace Formation.Inference.Engine.Devices;

/// <summary>A linear layer and where its result goes.</summary>
/// <param name="Weight">Shape: (y.Columns, x.Columns).</param>
/// <param name="Bias">y.Columns values, or null for none.</param>
/// <param name="Y">Shape: (rows, outputs).</param>
public readonly record struct LinearOperation(DeviceWeight Weight, DeviceVector? Bias, DeviceMatrix Y);
