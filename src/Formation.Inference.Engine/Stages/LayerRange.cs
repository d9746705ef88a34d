namespace Formation.Inference.Engine.Stages;

/// <summary>A contiguous range of a model's transformer layers.</summary>
/// <param name="First">Index of the first layer, from 0.</param>
/// <param name="Count">Number of layers.</param>
public readonly record struct LayerRange(int First, int Count)
{
    /// <summary>Index after the last layer.</summary>
    public int End => First + Count;

    public override string ToString() => $"layers {First}-{End - 1}";
}
