namespace Formation.Inference;

/// <summary>The vectors of a request's inputs.</summary>
/// <param name="Inputs">One for each input, in their order.</param>
public sealed record EmbeddingAnswer(IReadOnlyList<InputEmbedding> Inputs)
{
    /// <summary>Tokens of all inputs.</summary>
    public int TokenCount => Inputs.Sum(input => input.TokenCount);
}

/// <summary>The vectors of one input. Like the input itself they are the caller's: no log shows them.</summary>
/// <param name="TokenCount">Tokens that were computed: behind truncation, with begin and end tokens.</param>
/// <param name="Width">Values of a vector.</param>
/// <param name="Values">The vectors one behind the other: one, or where <see cref="EmbeddingKind.Token"/> was asked for one for each token. All finite.</param>
public sealed record InputEmbedding(int TokenCount, int Width, float[] Values)
{
    /// <summary>Number of vectors.</summary>
    public int VectorCount => Values.Length / Width;

    /// <summary>One vector; the only one is the first.</summary>
    public ReadOnlyMemory<float> Vector(int index = 0) => Values.AsMemory(index * Width, Width);

    public override string ToString() => $"[{VectorCount} x {Width}]";
}
