using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>What makes the prompt, as it comes: the fields that messages and the count of their tokens have in common.</summary>
internal abstract class ConversationFields
{
    /// <summary>The id of the model, as listed by <c>GET /v1/models</c>.</summary>
    public string? Model { get; init; }

    /// <summary>The conversation: 1 to 2048 messages. A last one of the assistant is the beginning of the answer.</summary>
    public List<TurnFields?>? Messages { get; init; }

    /// <summary>What stands before the conversation: a string, or text blocks.</summary>
    public JsonElement? System { get; init; }

    /// <summary>Whether the model is to think before it answers; where it is not given, not.</summary>
    public ThinkingFields? Thinking { get; init; }

    public OutputConfigFields? OutputConfig { get; init; }

    /// <summary>Accepted without effect: prompts are cached by their content.</summary>
    public CacheControlFields? CacheControl { get; init; }

    /// <summary>Only standard.</summary>
    public string? Speed { get; init; }

    /// <summary>Up to 128 tools that the model may call: each with a name and the JSON schema of its input.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Whether it must: auto, any, tool (with a name) or none; with <c>disable_parallel_tool_use</c>.</summary>
    public JsonElement? ToolChoice { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>One message.</summary>
internal sealed class TurnFields
{
    /// <summary>user, assistant or system.</summary>
    public string? Role { get; init; }

    /// <summary>A string, or an array of blocks.</summary>
    public JsonElement? Content { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Whether the model is to think before it answers.</summary>
internal sealed class ThinkingFields
{
    /// <summary>enabled, adaptive or disabled.</summary>
    public string? Type { get; init; }

    /// <summary>With enabled: tokens that the thought may have, from 1024, below <c>max_tokens</c>.</summary>
    public long? BudgetTokens { get; init; }

    /// <summary>summarized shows thoughts, whole; omitted leaves their words out.</summary>
    public string? Display { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>How the answer is to be.</summary>
internal sealed class OutputConfigFields
{
    /// <summary>Given to the chat template as <c>reasoning_effort</c>: low, medium, high, xhigh or max.</summary>
    public string? Effort { get; init; }

    /// <summary>What the text must be: of the type json_schema, with a schema.</summary>
    public JsonElement? Format { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Where a client would have the prompt cached up to.</summary>
internal sealed class CacheControlFields
{
    /// <summary>Only ephemeral.</summary>
    public string? Type { get; init; }

    /// <summary>5m or 1h.</summary>
    public string? Ttl { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
