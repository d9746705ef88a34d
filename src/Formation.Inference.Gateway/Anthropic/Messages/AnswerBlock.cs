using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>A part of an answer.</summary>
[JsonDerivedType(typeof(ThinkingBlock))]
[JsonDerivedType(typeof(TextBlock))]
[JsonDerivedType(typeof(ToolUseBlock))]
internal abstract record AnswerBlock;

/// <summary>What the model thought before it said anything.</summary>
/// <param name="Type">Always <c>thinking</c>.</param>
/// <param name="Thinking">The thought; empty where a block begins in a stream, and where thoughts are not to be shown.</param>
/// <param name="Signature">See <see cref="ThinkingSignature"/>; empty where a block begins in a stream.</param>
internal sealed record ThinkingBlock(string Type, string Thinking, string Signature) : AnswerBlock
{
    internal static ThinkingBlock Of(string thinking, string signature) => new("thinking", thinking, signature);
}

/// <summary>A block of text.</summary>
internal sealed record TextBlock(string Type, string Text) : AnswerBlock
{
    // The API's citations are left out, as the models here cite nothing: some clients take no null for them.

    internal static TextBlock Of(string text) => new("text", text);
}

/// <summary>A call of a tool.</summary>
/// <param name="Type">Always <c>tool_use</c>.</param>
/// <param name="Id">The call's id, <c>toolu_…</c>.</param>
/// <param name="Name">The tool.</param>
/// <param name="Input">What it is called with: an object. Empty where a block begins in a stream, and where the call was cut.</param>
/// <param name="Caller">Who calls.</param>
internal sealed record ToolUseBlock(string Type, string Id, string Name, JsonElement Input, ToolCaller Caller) : AnswerBlock
{
    static readonly JsonElement Empty = JsonElement.Parse("{}");

    internal static ToolUseBlock Of(string id, string name, JsonElement? input = null) => new("tool_use", id, name, input ?? Empty, ToolCaller.Direct);
}

/// <summary>Who calls a tool.</summary>
/// <param name="Type">Always <c>direct</c>: the model itself.</param>
internal sealed record ToolCaller(string Type)
{
    internal static ToolCaller Direct { get; } = new("direct");
}
