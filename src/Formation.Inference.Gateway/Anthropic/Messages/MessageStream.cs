using System.Text;
using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Anthropic.Errors;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>
/// Step 10 for streamed messages: the message, its blocks one behind the other, each with its pieces, the reason why it ended with the usage. A
/// message in which the model says nothing has no block.
/// </summary>
/// <param name="header">What is known of the answer before it begins.</param>
/// <param name="reader">Tells thoughts, text and calls from each other.</param>
/// <param name="showsThoughts">Whether the words of a thought are shown.</param>
/// <param name="createId">Makes the id of a call.</param>
/// <param name="usage">What the request uses.</param>
/// <param name="formation">Formation's own part of the answer.</param>
internal sealed class MessageStream(
    MessageHeader header, AnswerReader reader, bool showsThoughts, Func<string> createId, UsageCount usage, FormationRecord formation) : IStreamDialect
{
    readonly StringBuilder _thought = new();
    int _blocks;
    AnswerPieceKind? _open;
    GenerationFinished? _finished;

    public bool IsComplete => usage.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                reader.Begin(started);
                var begun = Message.Begun(header.Id, header.Model, started.PromptTokens);
                output.Write("message_start"u8, new MessageStartEvent("message_start", begun), AnthropicJsonContext.Answers.MessageStartEvent);
                break;
            case GenerationDelta { Text.Length: > 0 } delta:
                Write(reader.Read(delta), output);
                break;
            case GenerationFinished finished:
                Write(reader.End(finished.Choice), output);
                _finished = finished;
                break;
        }
    }

    public void WriteEnd(ServerSentEvents output)
    {
        WriteBlockStop(output);
        (string reason, string? stopSequence) = StopReasons.Of(_finished!, header, reader.CallsOf(_finished!.Choice));
        var total = new MessageDeltaUsage(usage.PromptTokens - usage.CachedTokens, 0, usage.CachedTokens, usage.CompletionTokens)
        {
            OutputTokensDetails = new ThinkingTokenCount(usage.ReasoningTokens),
        };
        output.Write(
            "message_delta"u8,
            new MessageDeltaEvent("message_delta", new MessageDelta(reason, stopSequence), total) { Formation = formation.ToAnswer() },
            AnthropicJsonContext.Answers.MessageDeltaEvent);
        WritePlain(output, "message_stop"u8, "message_stop");
    }

    public void WriteError(ApiError error, ServerSentEvents output) => output.Write(
        "error"u8, AnthropicErrorBody.From(error, header.RequestId), AnthropicJsonContext.Answers.AnthropicErrorBody);

    public ApiError ToApiError(GenerationError error) => GenerationErrors.ToApiError(error, ConversationMapping.ParameterName);

    void Write(IReadOnlyList<AnswerPiece> pieces, ServerSentEvents output)
    {
        foreach (AnswerPiece piece in pieces)
            Write(piece, output);
    }

    void Write(AnswerPiece piece, ServerSentEvents output)
    {
        switch (piece.Kind)
        {
            case AnswerPieceKind.Call:
                WriteBlockStart(output, piece.Kind, ToolUseBlock.Of(createId(), piece.Text));
                break;
            case AnswerPieceKind.Arguments:
                WriteDelta(output, new InputJsonDelta("input_json_delta", piece.Text));
                break;
            case AnswerPieceKind.Thought:
                if (_open != piece.Kind)
                    WriteBlockStart(output, piece.Kind, ThinkingBlock.Of("", ""));
                _thought.Append(piece.Text);
                if (showsThoughts)
                    WriteDelta(output, new ThinkingDelta("thinking_delta", piece.Text));
                break;
            default:
                if (_open != piece.Kind)
                    WriteBlockStart(output, piece.Kind, TextBlock.Of(""));
                WriteDelta(output, new TextDelta("text_delta", piece.Text));
                break;
        }
    }

    void WriteBlockStart(ServerSentEvents output, AnswerPieceKind kind, AnswerBlock block)
    {
        WriteBlockStop(output);
        _open = kind;
        output.Write(
            "content_block_start"u8,
            new ContentBlockStartEvent("content_block_start", _blocks++, block),
            AnthropicJsonContext.Answers.ContentBlockStartEvent);
        if (_blocks == 1)
            WritePlain(output, "ping"u8, "ping");
    }

    void WriteDelta(ServerSentEvents output, BlockDelta delta) => output.Write(
        "content_block_delta"u8,
        new ContentBlockDeltaEvent("content_block_delta", _blocks - 1, delta),
        AnthropicJsonContext.Answers.ContentBlockDeltaEvent);

    /// <summary>Ends the block that is open, where one is.</summary>
    void WriteBlockStop(ServerSentEvents output)
    {
        if (_open == AnswerPieceKind.Thought)
            WriteDelta(output, new SignatureDelta("signature_delta", ThinkingSignature.Of(_thought)));
        if (_blocks > 0)
            output.Write(
                "content_block_stop"u8,
                new ContentBlockStopEvent("content_block_stop", _blocks - 1),
                AnthropicJsonContext.Answers.ContentBlockStopEvent);
    }

    static void WritePlain(ServerSentEvents output, ReadOnlySpan<byte> name, string type) =>
        output.Write(name, new PlainEvent(type), AnthropicJsonContext.Answers.PlainEvent);
}
