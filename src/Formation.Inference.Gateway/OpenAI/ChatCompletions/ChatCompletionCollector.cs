using System.Text;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Step 10 for chat that is not streamed: collects the events of every choice into one answer.</summary>
internal sealed class ChatCompletionCollector(AnswerHeader header, int choices, bool logprobs, ToolCallAnswers tools, UsageCount usage)
{
    readonly Choice[] _choices = [.. Enumerable.Range(0, choices).Select(_ => new Choice())];

    /// <summary>Whether every choice has finished.</summary>
    internal bool IsComplete => usage.IsComplete;

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                tools.Begin(started);
                break;
            case GenerationDelta delta:
                _choices[delta.Choice].Add(tools.Read(delta), tools);
                if (logprobs)
                    _choices[delta.Choice].Tokens.AddRange(delta.Tokens);
                break;
            case GenerationFinished finished:
                _choices[finished.Choice].Add(tools.End(finished.Choice), tools);
                _choices[finished.Choice].Finished = finished;
                break;
        }
    }

    internal ChatCompletion ToAnswer() => new(
        header.Id,
        "chat.completion",
        header.Created,
        header.Model,
        [.. _choices.Select((choice, index) => choice.ToAnswer(index, logprobs, tools))],
        Usage.From(usage),
        "default",
        header.SystemFingerprint);

    sealed class Choice
    {
        readonly StringBuilder _thought = new(), _text = new();
        readonly List<(string Id, string Name, StringBuilder Arguments)> _calls = [];

        internal List<TokenLogprob> Tokens { get; } = [];

        internal GenerationFinished? Finished { get; set; }

        internal void Add(IReadOnlyList<AnswerPiece> pieces, ToolCallAnswers tools)
        {
            foreach (AnswerPiece piece in pieces)
                if (piece.Kind == AnswerPieceKind.Call)
                    _calls.Add((tools.NewId(), piece.Text, new StringBuilder()));
                else
                    (piece.Kind switch
                    {
                        AnswerPieceKind.Thought => _thought,
                        AnswerPieceKind.Text => _text,
                        _ => _calls[piece.Call].Arguments,
                    }).Append(piece.Text);
        }

        internal ChatChoice ToAnswer(int index, bool logprobs, ToolCallAnswers tools) => new(
            index,
            new AssistantMessage("assistant", _text.Length == 0 && _calls.Count > 0 ? null : _text.ToString(), null)
            {
                ReasoningContent = _thought.Length == 0 ? null : _thought.ToString(),
                ToolCalls = _calls.Count == 0
                    ? null
                    : [.. _calls.Select(call => new ToolCall(null, call.Id, "function", new CalledFunction(call.Name, call.Arguments.ToString())))],
            },
            logprobs ? ChatLogprobs.From(Tokens) : null,
            tools.FinishReason(Finished!))
        {
            StopReason = FinishReasons.StopReason(Finished!),
        };
    }
}
