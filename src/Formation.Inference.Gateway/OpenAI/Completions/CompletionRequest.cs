using System.Text.Json;
using Formation.Inference.Gateway.OpenAI.Parameters;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>The body of <c>POST /v1/completions</c>.</summary>
internal sealed class CompletionRequest : GenerationFields
{
    /// <summary>A string, an array of strings, an array of token ids, or an array of such arrays.</summary>
    public JsonElement? Prompt { get; init; }

    /// <summary>
    /// How many candidates to generate for each prompt, <c>n</c> to 128; the best by log-probability per token come back.
    /// </summary>
    public long? BestOf { get; init; }

    /// <summary>Whether the prompt stands before each choice's text.</summary>
    public bool? Echo { get; set; }

    /// <summary>How many alternatives to report for each token: 0 to 5.</summary>
    public long? Logprobs { get; init; }

    /// <summary>What stands behind the gap that the model fills, for models that can; not with <c>echo</c>.</summary>
    public string? Suffix { get; init; }
}
