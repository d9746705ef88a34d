using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>The answer of <c>POST /v1/messages</c>, or its beginning in a stream.</summary>
/// <param name="Id">The answer's id, <c>msg_…</c>.</param>
/// <param name="Type">Always <c>message</c>.</param>
/// <param name="Role">Always <c>assistant</c>.</param>
/// <param name="Model">The model.</param>
/// <param name="Content">What it said and which tools it calls; none where it said nothing.</param>
/// <param name="StopReason">Why it ended: see <see cref="StopReasons"/>; null at the beginning of a stream.</param>
/// <param name="StopSequence">The stop sequence of the request that ended it, or null.</param>
/// <param name="Usage">What the request used.</param>
internal sealed record Message(
    string Id,
    string Type,
    string Role,
    string Model,
    IReadOnlyList<AnswerBlock> Content,
    string? StopReason,
    string? StopSequence,
    MessageUsage Usage)
{
    // What the API has besides and this server does not: always null.

    public string? StopDetails { get; }

    public string? Container { get; }

    public string? Diagnostics { get; }

    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }

    internal static Message Begun(string id, string model, int inputTokens) =>
        new(id, "message", "assistant", model, [], null, null, MessageUsage.Of(inputTokens, 0, 0));
}

/// <summary>What a request used.</summary>
/// <param name="InputTokens">Tokens of the prompt that were not in the prefix cache.</param>
/// <param name="CacheCreationInputTokens">Always 0: what is kept in the cache is not counted apart.</param>
/// <param name="CacheReadInputTokens">Tokens of the prompt that were in the prefix cache.</param>
/// <param name="OutputTokens">Tokens generated.</param>
/// <param name="ServiceTier">Always <c>standard</c>.</param>
internal sealed record MessageUsage(
    int InputTokens, int CacheCreationInputTokens, int CacheReadInputTokens, int OutputTokens, string ServiceTier)
{
    // What the API has besides and this server does not: always null.

    public string? CacheCreation { get; }

    /// <summary>How many of the tokens were thought.</summary>
    public required ThinkingTokenCount OutputTokensDetails { get; init; }

    public string? ServerToolUse { get; }

    public string? InferenceGeo { get; }

    public string? Speed { get; }

    internal static MessageUsage Of(int promptTokens, int cachedTokens, int outputTokens, int thinkingTokens = 0) =>
        new(promptTokens - cachedTokens, 0, cachedTokens, outputTokens, "standard") { OutputTokensDetails = new ThinkingTokenCount(thinkingTokens) };
}

/// <summary>Parts of the tokens that were generated.</summary>
/// <param name="ThinkingTokens">Those of the train of thought, with what opens and closes it.</param>
internal sealed record ThinkingTokenCount(int ThinkingTokens);
