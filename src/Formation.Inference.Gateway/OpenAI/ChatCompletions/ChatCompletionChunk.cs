using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>One event of a streamed answer.</summary>
internal record ChatCompletionChunk(
    string Id,
    string Object,
    long Created,
    string Model,
    string ServiceTier,
    string SystemFingerprint,
    IReadOnlyList<ChatChunkChoice> Choices)
{
    /// <summary>Formation's own part in the last event, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }
}

/// <summary>An event of a stream that reports its usage: null in every event but the last.</summary>
internal sealed record ChatCompletionChunkWithUsage(
    string Id,
    string Object,
    long Created,
    string Model,
    string ServiceTier,
    string SystemFingerprint,
    IReadOnlyList<ChatChunkChoice> Choices,
    [property: JsonPropertyOrder(1)] Usage? Usage)
    : ChatCompletionChunk(Id, Object, Created, Model, ServiceTier, SystemFingerprint, Choices);

/// <summary>What is new of one choice.</summary>
internal sealed record ChatChunkChoice(int Index, ChatDelta Delta, ChatLogprobs? Logprobs, string? FinishReason)
{
    /// <summary>An extension: the stop string or stop token id of the request that ended the choice.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? StopReason { get; init; }
}

/// <summary>What is new of a message.</summary>
internal sealed record ChatDelta
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }

    /// <summary>An extension, as other open servers have it: more of what the model thinks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningContent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }
}
