namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>What a request asks, checked.</summary>
/// <param name="Request">What the engine is to do.</param>
internal sealed record GeneratePlan(GenerationRequest Request)
{
    /// <summary>Whether the answer has details.</summary>
    public bool HasDetails { get; init; }

    /// <summary>What the answer's text begins with: the prompt, or nothing.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>What the draws begin with, or null where none are made, or several texts.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Tokens of the prompt that are read, or null for all.</summary>
    public int? Truncate { get; init; }
}
