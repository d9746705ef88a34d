namespace Formation.Inference;

/// <summary>How a model that can is to think before it answers a <see cref="ChatPrompt"/>; nothing here concerns one that can't.</summary>
public sealed record ReasoningOptions
{
    /// <summary>Whether it is to think, or null for what its chat template has it do.</summary>
    public bool? IsWanted { get; init; }

    /// <summary>
    /// Tokens that its train of thought may have, from 1, or null for as many as the answer may have. One that is longer is closed, and the answer
    /// goes on behind it.
    /// </summary>
    public int? MaxTokens { get; init; }
}
