namespace Formation.Inference.Training;

/// <summary>The sides of a Llama-architecture model with tied embeddings.</summary>
/// <param name="Vocabulary">Tokens.</param>
/// <param name="Width">Values of a hidden state.</param>
/// <param name="Blocks">Transformer blocks.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyHeads">Key and value heads; divides <paramref name="Heads"/>.</param>
/// <param name="FeedForward">Values between the feed-forward matrices.</param>
/// <param name="Context">Positions that a document may have.</param>
/// <param name="RopeBase">Base of the rotary frequencies.</param>
/// <param name="NormEpsilon">Added to the mean square in RMS norms.</param>
public sealed record ModelShape(
    int Vocabulary, int Width, int Blocks, int Heads, int KeyHeads, int FeedForward, int Context, float RopeBase = 10_000f,
    float NormEpsilon = 1e-5f)
{
    /// <summary>Values of a head.</summary>
    public int HeadDim => Width / Heads;

    /// <summary>Values of the keys (or values) of one position.</summary>
    public int KeyWidth => HeadDim * KeyHeads;

    /// <summary>Numbers that training changes.</summary>
    public long ParameterCount =>
        (long)Vocabulary * Width + Width
        + Blocks * (2L * Width * Width + 2L * Width * KeyWidth + 3L * Width * FeedForward + 2L * Width);

    /// <exception cref="ArgumentException">The sides do not fit each other.</exception>
    public void Validate()
    {
        if (Vocabulary < 2 || Width < 2 || Blocks < 1 || Heads < 1 || KeyHeads < 1 || FeedForward < 1 || Context < 2)
            throw new ArgumentException($"every side of a model must be positive: {this}");
        if (Width % Heads != 0 || HeadDim % 2 != 0 || Heads % KeyHeads != 0)
            throw new ArgumentException(
                $"the width {Width} must be {Heads} heads of an even size, and {KeyHeads} key heads must divide the heads");
    }
}
