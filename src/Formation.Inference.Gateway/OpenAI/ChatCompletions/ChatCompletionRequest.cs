using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.OpenAI.Parameters;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>The body of <c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionRequest : GenerationFields
{
    /// <summary>The conversation: 1 to 2048 messages.</summary>
    public List<MessageFields?>? Messages { get; init; }

    /// <summary>Tokens to generate for each choice at most; up to the model's context where it is not given.</summary>
    public long? MaxCompletionTokens { get; init; }

    /// <summary>Whether to report log-probabilities.</summary>
    public bool? Logprobs { get; init; }

    /// <summary>How many alternatives to report for each token: 0 to 20, with <c>logprobs</c>.</summary>
    public long? TopLogprobs { get; init; }

    /// <summary>none, minimal, low, medium, high, xhigh or max: none has the model not think. Given to the chat template as a variable of this name, too.</summary>
    public string? ReasoningEffort { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    /// <summary>Functions that the model may call: 1 to 128.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>none, auto, required, or the function to call.</summary>
    public JsonElement? ToolChoice { get; init; }

    /// <summary>Whether an answer may have several calls.</summary>
    public bool? ParallelToolCalls { get; init; }

    public JsonElement? Modalities { get; init; }

    /// <summary>Whether to keep the completion, for <c>GET /v1/chat/completions/{id}</c>.</summary>
    public bool? Store { get; init; }

    /// <summary>What is noted of a completion that is kept: up to 16 texts.</summary>
    public JsonElement? Metadata { get; init; }

    // Accepted and without effect.

    /// <summary>Only auto or default.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Only medium.</summary>
    public string? Verbosity { get; init; }

    /// <summary>Accepted, at most 512 characters, without effect.</summary>
    public string? SafetyIdentifier { get; init; }

    /// <summary>Accepted, at most 512 characters, without effect: prompts are cached by their content.</summary>
    public string? PromptCacheKey { get; init; }

    /// <summary>Only in_memory.</summary>
    public string? PromptCacheRetention { get; init; }

    /// <summary>What the answer may say: of the type content, with a content. Accepted without effect.</summary>
    public JsonElement? Prediction { get; init; }

    // Refused by name.

    public JsonElement? Functions { get; init; }

    /// <summary>The older form of one tool call.</summary>
    public JsonElement? FunctionCall { get; init; }

    public JsonElement? Audio { get; init; }

    public JsonElement? Moderation { get; init; }

    public JsonElement? PromptCacheOptions { get; init; }

    public JsonElement? WebSearchOptions { get; init; }

    // Extensions.

    /// <summary>Further variables for the model's chat template.</summary>
    public Dictionary<string, JsonElement>? ChatTemplateKwargs { get; init; }

    /// <summary>Tokens that the model may think for, from 1; then it has to answer.</summary>
    public long? ThinkingTokenBudget { get; init; }

    /// <summary>Whether the answer has the model's thoughts; it does where this is not given.</summary>
    public bool? IncludeReasoning { get; init; }

    /// <summary>Whether the template opens the assistant's turn.</summary>
    public bool? AddGenerationPrompt { get; init; }
}

/// <summary>One message.</summary>
internal sealed class MessageFields
{
    /// <summary>system, developer, user, assistant, tool or function.</summary>
    public string? Role { get; init; }

    /// <summary>A string, or an array of parts.</summary>
    public JsonElement? Content { get; init; }

    /// <summary>The participant, or the function.</summary>
    public string? Name { get; init; }

    /// <summary>What the assistant said in refusal.</summary>
    public string? Refusal { get; init; }

    public JsonElement? Audio { get; init; }

    /// <summary>An extension: what the assistant thought before it said this, given to the template.</summary>
    public string? ReasoningContent { get; init; }

    public JsonElement? ToolCalls { get; init; }

    /// <summary>For role tool: the call that this answers.</summary>
    public string? ToolCallId { get; init; }

    public FunctionCallFields? FunctionCall { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>An assistant's call of a function in the form that came before tool calls.</summary>
internal sealed class FunctionCallFields
{
    public string? Name { get; init; }

    /// <summary>JSON, as text.</summary>
    public string? Arguments { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
