using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>Step 10 for messages that are not streamed: collects the events into one answer.</summary>
/// <param name="header">What is known of the answer before it begins.</param>
/// <param name="reader">Tells thoughts, text and calls from each other.</param>
/// <param name="showsThoughts">Whether the words of a thought are shown.</param>
/// <param name="createId">Makes the id of a call.</param>
/// <param name="usage">What the request uses.</param>
internal sealed class MessageCollector(MessageHeader header, AnswerReader reader, bool showsThoughts, Func<string> createId, UsageCount usage)
{
    readonly StringBuilder _thought = new(), _text = new();
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
        AnswerBlock[] thought = _thought.Length == 0 ? [] : [ThinkingBlock.Of(showsThoughts ? _thought.ToString() : "", ThinkingSignature.Of(_thought))];
        AnswerBlock[] text = _text.Length == 0 ? [] : [TextBlock.Of(_text.ToString())];
        return new Message(
            header.Id,
            "message",
            "assistant",
            header.Model,
            [.. thought, .. text, .. _calls.Select(call => ToolUseBlock.Of(createId(), call.Name, Whole(call.Input.ToString())))],
            reason,
            stopSequence,
            MessageUsage.Of(usage.PromptTokens, usage.CachedTokens, usage.CompletionTokens, usage.ReasoningTokens));
    }

    void Add(IReadOnlyList<AnswerPiece> pieces)
    {
        foreach (AnswerPiece piece in pieces)
            if (piece.Kind == AnswerPieceKind.Call)
                _calls.Add((piece.Text, new StringBuilder()));
            else
                (piece.Kind switch
                {
                    AnswerPieceKind.Thought => _thought,
                    AnswerPieceKind.Text => _text,
                    _ => _calls[piece.Call].Input,
                }).Append(piece.Text);
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
