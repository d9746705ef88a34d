using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Anthropic.Errors;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>
/// Step 10 for streamed messages: the message, its block of text with a ping and the text's pieces, the reason why it ended with the usage. A
/// message in which the model says nothing has no block.
/// </summary>
internal sealed class MessageStream(MessageHeader header, UsageCount usage) : IStreamDialect
{
    bool _hasText;
    GenerationFinished? _finished;

    public bool IsComplete => usage.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                var begun = Message.Begun(header.Id, header.Model, started.PromptTokens);
                output.Write("message_start"u8, new MessageStartEvent("message_start", begun), AnthropicJsonContext.Answers.MessageStartEvent);
                break;
            case GenerationDelta { Text: { Length: > 0, Value: var text } }:
                if (!_hasText)
                    WriteBlockStart(output);
                output.Write(
                    "content_block_delta"u8,
                    new ContentBlockDeltaEvent("content_block_delta", 0, new TextDelta("text_delta", text)),
                    AnthropicJsonContext.Answers.ContentBlockDeltaEvent);
                break;
            case GenerationFinished finished:
                _finished = finished;
                break;
        }
    }

    public void WriteEnd(ServerSentEvents output)
    {
        if (_hasText)
            output.Write(
                "content_block_stop"u8, new ContentBlockStopEvent("content_block_stop", 0), AnthropicJsonContext.Answers.ContentBlockStopEvent);
        (string reason, string? stopSequence) = StopReasons.Of(_finished!, header.StopSequences);
        var total = new MessageDeltaUsage(usage.PromptTokens - usage.CachedTokens, 0, usage.CachedTokens, usage.CompletionTokens);
        output.Write(
            "message_delta"u8,
            new MessageDeltaEvent("message_delta", new MessageDelta(reason, stopSequence), total),
            AnthropicJsonContext.Answers.MessageDeltaEvent);
        WritePlain(output, "message_stop"u8, "message_stop");
    }

    public void WriteError(ApiError error, ServerSentEvents output) => output.Write(
        "error"u8, AnthropicErrorBody.From(error, header.RequestId), AnthropicJsonContext.Answers.AnthropicErrorBody);

    public ApiError ToApiError(GenerationError error) => GenerationErrors.ToApiError(error, ConversationMapping.ParameterName);

    void WriteBlockStart(ServerSentEvents output)
    {
        _hasText = true;
        output.Write(
            "content_block_start"u8,
            new ContentBlockStartEvent("content_block_start", 0, TextBlock.Of("")),
            AnthropicJsonContext.Answers.ContentBlockStartEvent);
        WritePlain(output, "ping"u8, "ping");
    }

    static void WritePlain(ServerSentEvents output, ReadOnlySpan<byte> name, string type) =>
        output.Write(name, new PlainEvent(type), AnthropicJsonContext.Answers.PlainEvent);
}
