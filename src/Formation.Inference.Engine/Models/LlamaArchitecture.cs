using Formation.Inference.Kernels.Layers;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// Llama 1 to 3.x (Touvron et al. 2023, Dubey et al. 2024) and what was built alike and is converted under the same name: Mistral,
/// SmolLM, Yi, TinyLlama. The converter reorders query and key rows so that neighbours rotate together; Llama 3.1's frequency scaling comes
/// as the tensor <c>rope_freqs.weight</c>.
/// </summary>
internal static class LlamaArchitecture
{
    public static Architecture Value { get; } = new()
    {
        Name = "llama",
        RotaryPairing = RotaryPairing.Neighbours,
        QueryKeyValueBias = Presence.Optional,
        OtherBias = Presence.Optional,
        RotaryDivisors = Presence.Optional,
    };
}
