namespace Formation.Inference.Engine.Stages;

/// <summary>
/// The two ends of a model, which stay on the head node: token embedding in front of the first layer, final norm and output head behind
/// the last. Token ids and logits never leave it.
/// </summary>
/// <remarks>It is a seam so that the engine's loop, scheduler and sampler are tested with an invented model (see docs/adr).</remarks>
public interface IModelHead : IDisposable
{
    /// <summary>Number of logits of a row.</summary>
    int VocabularySize { get; }

    /// <summary>Width of a row of activations.</summary>
    int HiddenSize { get; }

    /// <summary>Writes the embedding of each token to the row with the same index.</summary>
    /// <param name="tokenIds">One id a row, each below <see cref="VocabularySize"/>.</param>
    void Embed(ReadOnlySpan<int> tokenIds, Activations activations);

    /// <summary>Computes logits for some rows of the last layer's output.</summary>
    /// <param name="rows">Indices of the rows wanted.</param>
    /// <param name="logits">Shape: (rows.Length, <see cref="VocabularySize"/>).</param>
    void Logits(Activations activations, ReadOnlySpan<int> rows, Span<float> logits);

    /// <summary>Puts some rows of the last layer's output through the final norm: what an embedding is made of.</summary>
    /// <param name="rows">Indices of the rows wanted.</param>
    /// <param name="hidden">Shape: (rows.Length, <see cref="HiddenSize"/>). A row depends on nothing but the row that it is made of.</param>
    void Normalize(Activations activations, ReadOnlySpan<int> rows, Span<float> hidden);
}
