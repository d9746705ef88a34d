using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Layers;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// What distinguishes one architecture's decoder from another's. All of them are pre-norm decoders with RMSNorm, rotary embeddings,
/// grouped-query attention and SwiGLU (see <see cref="Decoder"/>).
/// </summary>
public sealed record Architecture
{
    /// <summary>The architectures that this engine computes.</summary>
    public static IReadOnlyList<Architecture> All { get; } = [LlamaArchitecture.Value, Qwen2Architecture.Value, Qwen3Architecture.Value];

    /// <summary>The value of <c>general.architecture</c>, which is also the prefix of the metadata keys.</summary>
    public required string Name { get; init; }

    /// <summary>Which values of a head rotate together.</summary>
    public required RotaryPairing RotaryPairing { get; init; }

    /// <summary>Biases of the query, key and value projections.</summary>
    public Presence QueryKeyValueBias { get; init; }

    /// <summary>Biases of the attention's output projection and of the feed-forward projections.</summary>
    public Presence OtherBias { get; init; }

    /// <summary>RMSNorm of each head's query and key, before they rotate.</summary>
    public Presence QueryKeyNorm { get; init; }

    /// <summary>The tensor <c>rope_freqs.weight</c>: a divisor of each rotary frequency.</summary>
    public Presence RotaryDivisors { get; init; }

    /// <summary>The architecture that a file names.</summary>
    /// <exception cref="GgufException">It names none, or one that is not in <see cref="All"/>.</exception>
    public static Architecture Of(GgufMetadata metadata)
    {
        var name = metadata.RequireString("general.architecture");
        return All.FirstOrDefault(architecture => architecture.Name == name)
            ?? throw new GgufException(GgufErrorKind.UnsupportedModel, -1,
                $"the architecture {GgufLimits.Quote(name)} is not one that this engine computes; " +
                $"it computes {string.Join(", ", All.Select(a => a.Name))}");
    }
}

/// <summary>Whether an architecture has a part.</summary>
public enum Presence
{
    /// <summary>A file that has it is refused.</summary>
    Absent,

    /// <summary>Some files have it.</summary>
    Optional,

    /// <summary>A file that lacks it is refused.</summary>
    Required,
}
