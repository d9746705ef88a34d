using Formation.Inference.Kernels.Layers;

namespace Formation.Inference.Engine.Models;

/// <summary>Qwen 2 and 2.5 (Yang et al. 2024): halves rotate together, and query, key and value have biases.</summary>
internal static class Qwen2Architecture
{
    public static Architecture Value { get; } = new()
    {
        Name = "qwen2",
        RotaryPairing = RotaryPairing.Halves,
        QueryKeyValueBias = Presence.Required,
    };
}
