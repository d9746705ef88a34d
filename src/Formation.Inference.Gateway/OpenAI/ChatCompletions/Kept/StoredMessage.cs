using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions.Kept;

/// <summary>A message that a kept chat completion answers.</summary>
/// <param name="Id">The completion's id with the message's number.</param>
/// <param name="Role">Whose it is.</param>
/// <param name="Content">Its text; null where it has parts, or calls only.</param>
/// <param name="ContentParts">Its parts, or null where it is a text.</param>
/// <param name="Name">The participant, or the function.</param>
internal sealed record StoredMessage(string Id, string Role, string? Content, JsonElement? ContentParts, string? Name)
{
    public string? Refusal { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? ToolCalls { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ToolCallId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CalledFunction? FunctionCall { get; init; }

    internal static StoredMessage From(MessageFields message, string id)
    {
        bool hasParts = message.Content is { ValueKind: JsonValueKind.Array };
        return new StoredMessage(id, message.Role!, hasParts ? null : message.Content?.GetString(), hasParts ? message.Content : null, message.Name)
        {
            Refusal = message.Refusal,
            ToolCalls = message.ToolCalls,
            ToolCallId = message.ToolCallId,
            FunctionCall = message.FunctionCall is { } call ? new CalledFunction(call.Name, call.Arguments ?? "") : null,
        };
    }
}

/// <summary>A page of the messages of a kept chat completion.</summary>
internal sealed record StoredMessageList(string Object, IReadOnlyList<StoredMessage> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>A chat completion as it is given later.</summary>
internal sealed record StoredCompletionList(string Object, IReadOnlyList<JsonElement> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>The body of <c>POST /v1/chat/completions/{id}</c>.</summary>
internal sealed class CompletionUpdate
{
    /// <summary>What is noted of the completion from now on: up to 16 texts, or null for nothing.</summary>
    public JsonElement Metadata { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>That a chat completion was forgotten.</summary>
internal sealed record CompletionDeleted(string Id, string Object, bool Deleted);
