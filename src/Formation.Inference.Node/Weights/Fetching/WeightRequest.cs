using Formation.Inference.Engine.Models;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Weights that a node needs.</summary>
/// <param name="Digest">The model: the digest of its manifest.</param>
/// <param name="Part">Which of its weights, once its header is known.</param>
public sealed record WeightRequest(string Digest, Func<ModelConfig, ModelPart> Part)
{
    /// <param name="digest">The model.</param>
    /// <param name="part">Which of its weights.</param>
    public WeightRequest(string digest, ModelPart part)
        : this(digest, _ => part)
    {
    }

    /// <summary>Whom to ask, those to be asked first in front.</summary>
    public IReadOnlyList<IChunkSource> Sources { get; init; } = [];

    /// <summary>Files of this machine that may be the model; where one is, nothing is fetched.</summary>
    public IReadOnlyList<string> LocalPaths { get; init; } = [];
}
