using System.Text;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Step 10 for chat that is not streamed: collects the events of every choice into one answer.</summary>
internal sealed class ChatCompletionCollector(AnswerHeader header, int choices, bool logprobs, UsageCount usage)
{
    readonly Choice[] _choices = [.. Enumerable.Range(0, choices).Select(_ => new Choice())];

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationDelta delta:
                _choices[delta.Choice].Text.Append(delta.Text.Value);
                if (logprobs)
                    _choices[delta.Choice].Tokens.AddRange(delta.Tokens);
                break;
            case GenerationFinished finished:
                _choices[finished.Choice].Finished = finished;
                break;
        }
    }

    internal ChatCompletion ToAnswer() => new(
        header.Id,
        "chat.completion",
        header.Created,
        header.Model,
        [.. _choices.Select((choice, index) => choice.ToAnswer(index, logprobs))],
        Usage.From(usage),
        "default",
        header.SystemFingerprint);

    sealed class Choice
    {
        internal StringBuilder Text { get; } = new();

        internal List<TokenLogprob> Tokens { get; } = [];

        internal GenerationFinished? Finished { get; set; }

        internal ChatChoice ToAnswer(int index, bool logprobs) => new(
            index,
            new AssistantMessage("assistant", Text.ToString(), null),
            logprobs ? ChatLogprobs.From(Tokens) : null,
            FinishReasons.Of(Finished!))
        {
            StopReason = FinishReasons.StopReason(Finished!),
        };
    }
}
