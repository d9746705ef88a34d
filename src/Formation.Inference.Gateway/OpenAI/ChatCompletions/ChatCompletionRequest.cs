using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.Parameters;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>The body of <c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionRequest : GenerationFields
{
    public List<MessageFields?>? Messages { get; init; }

    public long? MaxCompletionTokens { get; init; }

    public bool? Logprobs { get; init; }

    public long? TopLogprobs { get; init; }

    public string? ReasoningEffort { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public JsonElement? Modalities { get; init; }

    // Accepted and without effect.

    public bool? Store { get; init; }

    public JsonElement? Metadata { get; init; }

    public string? ServiceTier { get; init; }

    public string? Verbosity { get; init; }

    public string? SafetyIdentifier { get; init; }

    public string? PromptCacheKey { get; init; }

    public string? PromptCacheRetention { get; init; }

    // Refused by name.

    public JsonElement? Tools { get; init; }

    public JsonElement? ParallelToolCalls { get; init; }

    public JsonElement? Functions { get; init; }

    public JsonElement? FunctionCall { get; init; }

    public JsonElement? Audio { get; init; }

    public JsonElement? Moderation { get; init; }

    public JsonElement? Prediction { get; init; }

    public JsonElement? PromptCacheOptions { get; init; }

    public JsonElement? WebSearchOptions { get; init; }

    // Extensions.

    /// <summary>Further variables for the model's chat template.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    /// <summary>Whether the template opens the assistant's turn.</summary>
    public bool? AddGenerationPrompt { get; init; }
}

/// <summary>One message.</summary>
internal sealed class MessageFields
{
    public string? Role { get; init; }

    /// <summary>A string, or an array of parts.</summary>
    public JsonElement? Content { get; init; }

    public string? Name { get; init; }

    public string? Refusal { get; init; }

    public JsonElement? Audio { get; init; }

    public JsonElement? ToolCalls { get; init; }

    public string? ToolCallId { get; init; }

    public FunctionCallFields? FunctionCall { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>An assistant's call of a function in the form that came before tool calls.</summary>
internal sealed class FunctionCallFields
{
    public string? Name { get; init; }

    public string? Arguments { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
