using Formation.Inference.Kernels.Layers;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// Qwen 3 (Yang et al. 2025): halves rotate together, no biases, and each head's query and key are normalised before they rotate. The
/// head's size is a value of its own and not hidden size over heads.
/// </summary>
internal static class Qwen3Architecture
{
    public static Architecture Value { get; } = new()
    {
        Name = "qwen3",
        RotaryPairing = RotaryPairing.Halves,
        QueryKeyNorm = Presence.Required,
    };
}
