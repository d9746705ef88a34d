using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.Parameters;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>The body of <c>POST /v1/responses</c>.</summary>
internal sealed class ResponsesRequest : GenerationFields
{
    /// <summary>A text, or an array of items; may be left out where an earlier response is gone on with.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>What stands before the conversation. Not taken over from an earlier response.</summary>
    public string? Instructions { get; init; }

    /// <summary>The response that this one goes on with.</summary>
    public string? PreviousResponseId { get; init; }

    /// <summary>Tokens to generate at most; up to the model's context where it is not given.</summary>
    public long? MaxOutputTokens { get; init; }

    /// <summary>What else to report: only message.output_text.logprobs has an effect.</summary>
    public List<string?>? Include { get; init; }

    /// <summary>How many alternatives to report for each token: 0 to 20.</summary>
    public long? TopLogprobs { get; init; }

    /// <summary>What the text must be.</summary>
    public TextFields? Text { get; init; }

    /// <summary>Functions that the model may call: at most 128.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>none, auto, required, the function to call, or those that may be called.</summary>
    public JsonElement? ToolChoice { get; init; }

    /// <summary>Whether an answer may have several calls.</summary>
    public bool? ParallelToolCalls { get; init; }

    public ReasoningFields? Reasoning { get; init; }

    /// <summary>Whether the response is kept, true where it is not given and the server keeps any.</summary>
    public bool? Store { get; init; }

    /// <summary>Kept with the response: up to 16 texts.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Whether it runs on by itself, to be asked for later.</summary>
    public bool? Background { get; init; }

    /// <summary>auto leaves the oldest turns out where the conversation does not fit the model; disabled where it is not given.</summary>
    public string? Truncation { get; init; }

    // Accepted and without effect.

    /// <summary>Counts calls of hosted tools, of which there are none: without effect.</summary>
    public long? MaxToolCalls { get; init; }

    /// <summary>Only auto or default.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Accepted, at most 512 characters, without effect.</summary>
    public string? SafetyIdentifier { get; init; }

    /// <summary>Accepted, at most 512 characters, without effect: prompts are cached by their content.</summary>
    public string? PromptCacheKey { get; init; }

    /// <summary>Only in_memory.</summary>
    public string? PromptCacheRetention { get; init; }

    // Refused by name.

    public JsonElement? ContextManagement { get; init; }

    public JsonElement? Conversation { get; init; }

    public JsonElement? Moderation { get; init; }

    public JsonElement? Prompt { get; init; }

    public JsonElement? PromptCacheOptions { get; init; }

    public JsonElement? Messages { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    // Extensions.

    /// <summary>Further variables for the model's chat template.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    /// <summary>Tokens that the model may think for, from 1; then it has to answer.</summary>
    public long? ThinkingTokenBudget { get; init; }
}

/// <summary>What the text of a response must be.</summary>
internal sealed class TextFields
{
    public JsonElement? Format { get; init; }

    /// <summary>Only medium.</summary>
    public string? Verbosity { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>How much the model is to think.</summary>
internal sealed class ReasoningFields
{
    /// <summary>Given to the chat template as <c>reasoning_effort</c>: none, minimal, low, medium, high, xhigh or max.</summary>
    public string? Effort { get; init; }

    /// <summary>auto, concise or detailed; without effect.</summary>
    public string? Summary { get; init; }

    /// <summary>The older name of <c>summary</c>.</summary>
    public string? GenerateSummary { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
