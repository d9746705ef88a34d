using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>Step 10 for messages that are not streamed: collects the events into one answer.</summary>
internal sealed class MessageCollector(MessageHeader header, AnswerReader reader, Func<string> createId, UsageCount usage)
{
    readonly StringBuilder _text = new();
    readonly List<(string Name, StringBuilder Input)> _calls = [];
    GenerationFinished? _finished;

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                reader.Begin(started);
                break;
            case GenerationDelta delta:
                Add(reader.Read(delta));
                break;
            case GenerationFinished finished:
                Add(reader.End(finished.Choice));
                _finished = finished;
                break;
        }
    }

    internal Message ToAnswer()
    {
        (string reason, string? stopSequence) = StopReasons.Of(_finished!, header, _calls.Count);
        AnswerBlock[] text = _text.Length == 0 ? [] : [TextBlock.Of(_text.ToString())];
        return new Message(
            header.Id,
            "message",
            "assistant",
            header.Model,
            [.. text, .. _calls.Select(call => ToolUseBlock.Of(createId(), call.Name, Whole(call.Input.ToString())))],
            reason,
            stopSequence,
            MessageUsage.Of(usage.PromptTokens, usage.CachedTokens, usage.CompletionTokens));
    }

    void Add(IReadOnlyList<AnswerPiece> pieces)
    {
        foreach (AnswerPiece piece in pieces)
            if (piece.Kind == AnswerPieceKind.Call)
                _calls.Add((piece.Text, new StringBuilder()));
            else
                (piece.Kind == AnswerPieceKind.Text ? _text : _calls[piece.Call].Input).Append(piece.Text);
    }

    /// <summary>An input, or null where the call was cut before it was whole.</summary>
    static JsonElement? Whole(string input)
    {
        try
        {
            return JsonElement.Parse(input);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
