using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Models;

/// <summary>Which of a model's weights a machine holds.</summary>
/// <param name="Layers">The layers; none where <see cref="LayerRange.Count"/> is 0.</param>
/// <param name="HasEnds">Whether the embedding, the final norm and the output head are among them.</param>
public readonly record struct ModelPart(LayerRange Layers, bool HasEnds)
{
    /// <summary>What it holds of each of the layers. Default: all.</summary>
    public TensorShare Share { get; init; } = TensorShare.Whole;

    /// <summary>All of a model.</summary>
    public static ModelPart Whole(ModelConfig config) => new(new LayerRange(0, config.LayerCount), HasEnds: true);

    /// <summary>Whether a tensor, by its name in the file, belongs to another part of the model. One that no model has belongs to every part.</summary>
    public bool Excludes(string tensor, ModelConfig config) => TensorNames.LayerOf(tensor) is { } layer
        ? layer < config.LayerCount && (layer < Layers.First || layer >= Layers.End)
        : !HasEnds && tensor is (TensorNames.TokenEmbedding or TensorNames.OutputNorm or TensorNames.Output);
}
