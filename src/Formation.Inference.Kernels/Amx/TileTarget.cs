namespace Formation.Inference.Kernels.Amx;

/// <summary>A linear layer and where its result goes.</summary>
/// <param name="weight">The weight.</param>
/// <param name="bias">One float32 an output, or null.</param>
/// <param name="y">Float32. Shape: (rows, outputs), row-major.</param>
internal readonly unsafe struct TileTarget(IBrainPanels weight, float* bias, float* y)
{
    public IBrainPanels Weight => weight;

    public float* Bias => bias;

    public float* Y => y;

    public int Outputs => weight.Outputs;

    public int Strips => (Outputs + BrainTile.Outputs - 1) / BrainTile.Outputs;

    /// <summary>Pairs of strips, the last perhaps of one.</summary>
    public int Pairs => (Strips + 1) / 2;
}
