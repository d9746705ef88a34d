using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>The answer of <c>POST /v1/chat/completions</c> that is not streamed.</summary>
internal sealed record ChatCompletion(
    string Id,
    string Object,
    long Created,
    string Model,
    IReadOnlyList<ChatChoice> Choices,
    Usage Usage,
    string ServiceTier,
    string SystemFingerprint)
{
    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }
}

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(int Index, AssistantMessage Message, ChatLogprobs? Logprobs, string FinishReason)
{
    /// <summary>An extension: the stop string or stop token id of the request that ended the choice.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? StopReason { get; init; }
}

/// <summary>What the model said.</summary>
/// <param name="Role"><c>assistant</c>.</param>
/// <param name="Content">The text; null where the model only called tools.</param>
/// <param name="Refusal">Always null.</param>
internal sealed record AssistantMessage(string Role, string? Content, string? Refusal)
{
    /// <summary>An extension, as other open servers have it: what the model thought before, or null where it did not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReasoningContent { get; init; }

    /// <summary>The calls of tools, or null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }
}

/// <summary>A call of a tool, or what is new of one.</summary>
internal sealed record ToolCall(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Type,
    CalledFunction Function);

/// <summary>What is called, and with what.</summary>
/// <param name="Name">The function's name; null in a stream, once it was told.</param>
/// <param name="Arguments">A JSON object as text, or a piece of it.</param>
internal sealed record CalledFunction([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name, string Arguments);

/// <summary>Log-probabilities of the tokens of a message.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<ChatTokenLogprob> Content, IReadOnlyList<ChatTokenLogprob>? Refusal)
{
    internal static ChatLogprobs From(IEnumerable<TokenLogprob> tokens) => new([.. tokens.Select(ChatTokenLogprob.From)], null);
}
