using System.Text.Json;
using Formation.Inference.Gateway.OpenAI.Parameters;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>The body of <c>POST /v1/completions</c>.</summary>
internal sealed class CompletionRequest : GenerationFields
{
    /// <summary>A string, an array of strings, an array of token ids, or an array of such arrays.</summary>
    public JsonElement? Prompt { get; init; }

    public long? BestOf { get; init; }

    public bool? Echo { get; init; }

    public long? Logprobs { get; init; }

    public string? Suffix { get; init; }
}
