using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>The first event of a streamed answer.</summary>
internal sealed record MessageStartEvent(string Type, Message Message);

/// <summary>A block begins.</summary>
internal sealed record ContentBlockStartEvent(string Type, int Index, AnswerBlock ContentBlock);

/// <summary>A block goes on.</summary>
internal sealed record ContentBlockDeltaEvent(string Type, int Index, BlockDelta Delta);

/// <summary>What is new of a block.</summary>
[JsonDerivedType(typeof(ThinkingDelta))]
[JsonDerivedType(typeof(SignatureDelta))]
[JsonDerivedType(typeof(TextDelta))]
[JsonDerivedType(typeof(InputJsonDelta))]
internal abstract record BlockDelta;

/// <summary>More of a thought.</summary>
internal sealed record ThinkingDelta(string Type, string Thinking) : BlockDelta;

/// <summary>The signature of a thought that has ended.</summary>
internal sealed record SignatureDelta(string Type, string Signature) : BlockDelta;

/// <summary>New text of a block.</summary>
internal sealed record TextDelta(string Type, string Text) : BlockDelta;

/// <summary>More of the input that a tool is called with: pieces of JSON, which together are an object.</summary>
internal sealed record InputJsonDelta(string Type, string PartialJson) : BlockDelta;

/// <summary>A block has ended.</summary>
internal sealed record ContentBlockStopEvent(string Type, int Index);

/// <summary>The answer has ended: why, and what it used in all.</summary>
internal sealed record MessageDeltaEvent(string Type, MessageDelta Delta, MessageDeltaUsage Usage)
{
    /// <summary>Formation's own part, where the request has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FormationAnswer? Formation { get; init; }
}

/// <summary>Why an answer ended.</summary>
internal sealed record MessageDelta(string StopReason, string? StopSequence)
{
    // What the API has besides and this server does not: always null.

    public string? StopDetails { get; }

    public string? Container { get; }
}

/// <summary>What a request used, as the end of a stream tells it. The counts are those of <see cref="MessageUsage"/>.</summary>
internal sealed record MessageDeltaUsage(int InputTokens, int CacheCreationInputTokens, int CacheReadInputTokens, int OutputTokens)
{
    /// <summary>How many of the tokens were thought.</summary>
    public required ThinkingTokenCount OutputTokensDetails { get; init; }

    // What the API has besides and this server does not: always null.

    public string? ServerToolUse { get; }
}

/// <summary>An event that says no more than its type: <c>ping</c>, <c>message_stop</c>.</summary>
internal sealed record PlainEvent(string Type);
