using System.Text;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>Puts a generation's events together into a response, and says at each what a stream is to tell of it.</summary>
internal sealed class ResponseBuilder(
    ResponseObject begun, ItemIds ids, bool logprobs, ToolCallAnswers tools, UsageCount usage, FormationRecord formation, TimeProvider clock)
{
    readonly Queue<ResponseStreamEvent> _events = new();
    readonly List<ResponseItem> _output = [];
    readonly StringBuilder _text = new();
    readonly List<ChatTokenLogprob> _tokens = [];
    readonly List<ChatTokenLogprob> _untold = [];
    ResponseItem? _open;
    int _sequence;
    bool _isCreated;
    bool _hasBegun;

    /// <summary>The response as it is now; its output has the items that have ended.</summary>
    internal ResponseObject Response { get; private set; } = begun;

    internal bool IsComplete => usage.IsComplete;

    /// <summary>What has happened since this was asked last.</summary>
    internal IEnumerable<ResponseStreamEvent> TakeEvents()
    {
        while (_events.TryDequeue(out ResponseStreamEvent? next))
            yield return next;
    }

    internal void Add(PromptEvent item)
    {
        usage.Add(item);
        switch (item.Event)
        {
            case GenerationStarted started:
                tools.Begin(started);
                Begin();
                break;
            case GenerationDelta delta:
                Add(delta);
                break;
            case GenerationFinished finished:
                foreach (AnswerPiece piece in tools.End(finished.Choice))
                    Add(piece);
                End(finished);
                break;
        }
    }

    /// <summary>Tells of a response that waits for its turn.</summary>
    internal void Queue()
    {
        Create();
        _events.Enqueue(new ResponseEvent("response.queued", _sequence++, Response));
    }

    /// <summary>Ends the response in its middle.</summary>
    internal void Fail(ApiError error)
    {
        Begin();
        _events.Enqueue(new ErrorEvent("error", _sequence++, error.Code ?? error.Type, error.Message, error.Param));
        Response = Failed(Response, error);
        _events.Enqueue(new ResponseEvent("response.failed", _sequence++, Response));
    }

    /// <summary>A response that failed.</summary>
    internal static ResponseObject Failed(ResponseObject response, ApiError error)
    {
        string code = error.Status switch
        {
            429 => "rate_limit_exceeded",
            >= 400 and < 500 => "invalid_prompt",
            _ => "server_error",
        };
        return response with { Status = ResponseStatus.Failed, Error = new ResponseError(code, error.Message) };
    }

    /// <summary>Tells the end; apart, because the response is to be kept before anybody hears of it.</summary>
    internal void TellEnd() => _events.Enqueue(new ResponseEvent($"response.{Response.Status}", _sequence++, Response));

    void Begin()
    {
        if (_hasBegun)
            return;
        _hasBegun = true;
        Create();
        Response = Response with { Status = ResponseStatus.InProgress };
        _events.Enqueue(new ResponseEvent("response.in_progress", _sequence++, Response));
    }

    void Create()
    {
        if (_isCreated)
            return;
        _isCreated = true;
        _events.Enqueue(new ResponseEvent("response.created", _sequence++, Response));
    }

    void Add(GenerationDelta delta)
    {
        // A token may show only later, with those that complete its characters or tell whether a call begins.
        if (logprobs)
            _untold.AddRange(delta.Tokens.Select(ChatTokenLogprob.From));
        foreach (AnswerPiece piece in tools.Read(delta))
            if (piece.Kind != AnswerPieceKind.Text || piece.Text.Length > 0)
                Add(piece);
    }

    void Add(AnswerPiece piece)
    {
        switch (piece.Kind)
        {
            case AnswerPieceKind.Thought:
                _untold.Clear();
                if (_open is not ReasoningItem)
                    OpenThought();
                _text.Append(piece.Text);
                _events.Enqueue(new ReasoningDeltaEvent("response.reasoning_text.delta", _sequence++, _open!.Id, _output.Count, 0, piece.Text));
                break;
            case AnswerPieceKind.Text:
                if (_open is ReasoningItem)
                    DropTokensBefore(piece.Text);
                if (_open is not MessageItem)
                    OpenMessage();
                Say(piece.Text);
                break;
            case AnswerPieceKind.Call:
                Close(ResponseItem.Completed);
                _untold.Clear();
                Open(new FunctionCallItem(ids.OfOutput("fc", _output.Count), ResponseItem.InProgress, tools.NewId(), piece.Text, ""));
                break;
            default:
                _untold.Clear();
                _text.Append(piece.Text);
                _events.Enqueue(new ArgumentsDeltaEvent("response.function_call_arguments.delta", _sequence++, _open!.Id, _output.Count, piece.Text));
                break;
        }
    }

    void OpenThought()
    {
        Open(new ReasoningItem(ids.OfOutput("rs", _output.Count), []) { Status = ResponseItem.InProgress });
        _events.Enqueue(new ContentPartEvent("response.content_part.added", _sequence++, _open!.Id, _output.Count, 0, new ReasoningTextPart("")));
    }

    /// <summary>Leaves out the tokens that end the thought: those behind them make up the text.</summary>
    void DropTokensBefore(string text)
    {
        int first = _untold.Count;
        for (int bytes = Encoding.UTF8.GetByteCount(text); bytes > 0 && first > 0; first--)
            bytes -= _untold[first - 1].Bytes.Count;
        _untold.RemoveRange(0, first);
    }

    void OpenMessage()
    {
        Close(ResponseItem.Completed);
        Open(new MessageItem(ids.OfOutput("msg", _output.Count), ResponseItem.InProgress, "assistant", []));
        _events.Enqueue(new ContentPartEvent("response.content_part.added", _sequence++, _open!.Id, _output.Count, 0, new OutputTextPart("", [], [])));
    }

    void Open(ResponseItem item)
    {
        _open = item;
        _text.Clear();
        _tokens.Clear();
        _events.Enqueue(new OutputItemEvent("response.output_item.added", _sequence++, _output.Count, item));
    }

    void Say(string text)
    {
        ChatTokenLogprob[] tokens = [.. _untold];
        _untold.Clear();
        _tokens.AddRange(tokens);
        _text.Append(text);
        _events.Enqueue(new TextDeltaEvent("response.output_text.delta", _sequence++, _open!.Id, _output.Count, 0, text, tokens));
    }

    void Close(string status)
    {
        string text = _text.ToString();
        switch (_open)
        {
            case null:
                return;
            case MessageItem message:
                var part = new OutputTextPart(text, [], [.. _tokens]);
                _events.Enqueue(new TextDoneEvent("response.output_text.done", _sequence++, message.Id, _output.Count, 0, text, part.Logprobs));
                _events.Enqueue(new ContentPartEvent("response.content_part.done", _sequence++, message.Id, _output.Count, 0, part));
                _open = message with { Status = status, Content = [part] };
                break;
            case ReasoningItem thought:
                var words = new ReasoningTextPart(text);
                _events.Enqueue(new ReasoningDoneEvent("response.reasoning_text.done", _sequence++, thought.Id, _output.Count, 0, text));
                _events.Enqueue(new ContentPartEvent("response.content_part.done", _sequence++, thought.Id, _output.Count, 0, words));
                _open = thought with { Status = status, Content = [words] };
                break;
            case FunctionCallItem call:
                _events.Enqueue(new ArgumentsDoneEvent("response.function_call_arguments.done", _sequence++, call.Id, _output.Count, call.Name, text));
                _open = call with { Status = status, Arguments = text };
                break;
        }

        _events.Enqueue(new OutputItemEvent("response.output_item.done", _sequence++, _output.Count, _open));
        _output.Add(_open);
        _open = null;
    }

    void End(GenerationFinished finished)
    {
        // Whoever asked gets a message in any case, and if it is an empty one; but for an answer that was cut while the model thought.
        if (_output.Count == 0 && (_open is null || (_open is ReasoningItem && finished.Reason == FinishReason.Stop)))
            OpenMessage();
        if (_open is MessageItem && _untold.Count > 0)
            Say("");
        bool isCut = finished.Reason == FinishReason.Length;
        Close(isCut ? ResponseItem.Incomplete : ResponseItem.Completed);
        Response = Response with
        {
            Status = isCut ? ResponseStatus.Incomplete : ResponseStatus.Completed,
            IncompleteDetails = isCut ? new IncompleteDetails("max_output_tokens") : null,
            CompletedAt = isCut ? null : clock.GetUtcNow().ToUnixTimeSeconds(),
            Output = [.. _output],
            Usage = ResponseUsage.From(usage),
            Formation = formation.ToAnswer(),
        };
    }
}
