using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// Which part of each layer a machine computes where several compute every layer together: an equal number of heads, and about as many
/// values of the feed-forward layer (docs/adr/0024-tensor-parallelism.md).
/// </summary>
/// <param name="Rank">Which of the members, from 0.</param>
/// <param name="Count">Members of the group; 1 where a machine computes its layers alone.</param>
public readonly record struct TensorShare(int Rank, int Count)
{
    /// <summary>Members of the largest group.</summary>
    public const int MaxCount = 8;

    /// <summary>All of each layer.</summary>
    public static TensorShare Whole { get; } = new(0, 1);

    /// <summary>Whether others compute the rest of each layer.</summary>
    public bool IsPart => Count > 1;

    /// <summary>Whether so many machines can share a model's layers in equal parts.</summary>
    /// <param name="file">Only its header is read.</param>
    public static bool Divides(GgufFile file, ModelConfig config, int count) => TensorCuts.AreEqual(file, config, count);

    public override string ToString() => $"share {Rank + 1} of {Count}";
}
