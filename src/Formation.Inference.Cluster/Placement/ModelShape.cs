namespace Formation.Inference.Cluster.Placement;

/// <summary>What placement has to know of a model: the exact bytes and the work of each of its parts.</summary>
/// <remarks>
/// Multiply-adds are counted in those of quantised weights, which is what a device reports: one of float32 or float16 counts as
/// <see cref="FloatMultiplyAdd"/>.
/// </remarks>
public sealed record ModelShape
{
    /// <summary>
    /// What a multiply-add of floating-point numbers counts as: a vector instruction does a quarter as many of them as of bytes
    /// (docs/adr/0010-packed-weights.md).
    /// </summary>
    public const int FloatMultiplyAdd = 4;

    /// <summary>The id that users know.</summary>
    public required string ModelId { get; init; }

    public required long ParameterCount { get; init; }

    /// <summary>The transformer layers, from the first.</summary>
    public required IReadOnlyList<LayerShape> Layers { get; init; }

    /// <summary>Bytes of the token embedding, held by the head.</summary>
    public required long EmbeddingBytes { get; init; }

    /// <summary>Bytes of the final norm and the output head, held by the head; those of the norm alone where the output shares the embedding.</summary>
    public required long OutputBytes { get; init; }

    /// <summary>Bytes that a generated token reads of the output head, shared or not.</summary>
    public required long OutputReadBytes { get; init; }

    /// <summary>Multiply-adds of the output head for a token.</summary>
    public required long OutputMultiplyAdds { get; init; }

    /// <summary>Values in a row of activations, which crosses each boundary between stages for each token.</summary>
    public required int HiddenSize { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Whether vectors can be made of its hidden states; not of those of a reranker.</summary>
    public bool Embeds { get; init; } = true;

    /// <summary>Scratch bytes that a stage needs for each row of its largest batch, whatever its number of layers.</summary>
    public required long ScratchBytesPerRow { get; init; }

    /// <summary>Scratch bytes that the head needs on top for each row of the largest batch.</summary>
    public long HeadScratchBytesPerRow { get; init; }

    /// <summary>Scratch bytes that the head needs whatever the batch: logits and candidates.</summary>
    public long HeadScratchBytes { get; init; }

    /// <summary>Heads of keys and values.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>How many machines can share each layer in equal parts, beside one alone.</summary>
    public IReadOnlyList<int> GroupSizes { get; init; } = [];

    /// <summary>Bytes of a layer that each of them holds whole: norms and biases.</summary>
    public long GroupBytesPerLayer { get; init; }

    /// <summary>How the layers' keys and values are stored, for people: <c>f16</c>.</summary>
    public string KvFormat { get; init; } = "f16";

    /// <summary>Positions of a KV block: a sequence holds whole blocks.</summary>
    public int KvBlockSize { get; init; } = 16;

    /// <summary>Positions that the model was made for.</summary>
    public required int ContextLength { get; init; }
}

/// <summary>One transformer layer.</summary>
/// <param name="WeightBytes">Bytes of its weights in memory; a generated token reads all of them.</param>
/// <param name="KvBytesPerPosition">Bytes of keys and values that it stores for a position.</param>
/// <param name="MultiplyAdds">Multiply-adds for a token, attention apart.</param>
/// <param name="AttentionMultiplyAdds">Multiply-adds of attention for a token and each position that it sees.</param>
public readonly record struct LayerShape(long WeightBytes, long KvBytesPerPosition, long MultiplyAdds, long AttentionMultiplyAdds = 0);
