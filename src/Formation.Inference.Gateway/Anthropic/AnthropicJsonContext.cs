using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Anthropic.Batches;
using Formation.Inference.Gateway.Anthropic.CountTokens;
using Formation.Inference.Gateway.Anthropic.Errors;
using Formation.Inference.Gateway.Anthropic.Messages;
using Formation.Inference.Gateway.Anthropic.Models;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Anthropic;

/// <summary>The JSON of Anthropic's dialect.</summary>
[JsonSerializable(typeof(MessagesRequest))]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(MessageStartEvent))]
[JsonSerializable(typeof(ContentBlockStartEvent))]
[JsonSerializable(typeof(ContentBlockDeltaEvent))]
[JsonSerializable(typeof(ContentBlockStopEvent))]
[JsonSerializable(typeof(MessageDeltaEvent))]
[JsonSerializable(typeof(PlainEvent))]
[JsonSerializable(typeof(CountTokensRequest))]
[JsonSerializable(typeof(TokenCount))]
[JsonSerializable(typeof(ModelInfoPage))]
[JsonSerializable(typeof(MessageBatchRequest))]
[JsonSerializable(typeof(MessageBatch))]
[JsonSerializable(typeof(MessageBatchPage))]
[JsonSerializable(typeof(MessageBatchDeleted))]
[JsonSerializable(typeof(MessageBatchLine))]
[JsonSerializable(typeof(MessageBatchState))]
[JsonSerializable(typeof(AnthropicErrorBody))]
internal sealed partial class AnthropicJsonContext : JsonSerializerContext
{
    /// <inheritdoc cref="DialectJson.ForRequests"/>
    internal static AnthropicJsonContext Requests { get; } = new(DialectJson.ForRequests());

    /// <inheritdoc cref="DialectJson.ForAnswers"/>
    internal static AnthropicJsonContext Answers { get; } = new(DialectJson.ForAnswers());
}
