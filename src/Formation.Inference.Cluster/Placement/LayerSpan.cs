namespace Formation.Inference.Cluster.Placement;

/// <summary>A contiguous range of a model's transformer layers, as placement speaks of it.</summary>
/// <param name="First">Index of the first layer, from 0.</param>
/// <param name="Count">Number of layers.</param>
public readonly record struct LayerSpan(int First, int Count)
{
    /// <summary>Index after the last layer.</summary>
    public int End => First + Count;

    public override string ToString() => Count == 1 ? $"layer {First}" : $"layers {First}-{End - 1}";
}
