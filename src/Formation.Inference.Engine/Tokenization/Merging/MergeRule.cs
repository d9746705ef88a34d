namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>Says which neighbours merge, and how urgently.</summary>
internal abstract class MergeRule
{
    /// <summary>The priority that means: these two don't merge.</summary>
    public const int None = int.MaxValue;

    /// <summary>Priority of merging two neighbours, lower first, or <see cref="None"/>.</summary>
    /// <param name="text">The text that the symbols are stretches of.</param>
    /// <param name="product">Id of the token that they make.</param>
    public abstract int Find(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int product);
}
