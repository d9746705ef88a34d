using System.Text;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>Step 10 for messages that are not streamed: collects the events into one answer.</summary>
internal sealed class MessageCollector(MessageHeader header, UsageCount usage)
{
    readonly StringBuilder _text = new();
    GenerationFinished? _finished;

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        if (item.Event is GenerationDelta delta)
            _text.Append(delta.Text.Value);
        else if (item.Event is GenerationFinished finished)
            _finished = finished;
    }

    internal Message ToAnswer()
    {
        (string reason, string? stopSequence) = StopReasons.Of(_finished!, header.StopSequences);
        return new Message(
            header.Id,
            "message",
            "assistant",
            header.Model,
            _text.Length == 0 ? [] : [TextBlock.Of(_text.ToString())],
            reason,
            stopSequence,
            MessageUsage.Of(usage.PromptTokens, usage.CachedTokens, usage.CompletionTokens));
    }
}
