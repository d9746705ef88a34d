namespace Formation.Inference.Kernels.Packing;

/// <summary>Two strips of a weight in float32, for formats of floating-point values. Shape: (columns, <see cref="Outputs"/>).</summary>
internal static class FloatPanel
{
    internal const int Outputs = IntegerPanel.Outputs;

    /// <summary>Most columns; the panel then fills half of a first-level cache.</summary>
    internal const int Columns = 128;

    internal const int Floats = Columns * Outputs;
}
