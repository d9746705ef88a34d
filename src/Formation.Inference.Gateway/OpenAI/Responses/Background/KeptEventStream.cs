using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>Step 10 for a stream of what runs in the background: the events are in OpenAI's words already.</summary>
internal sealed class KeptEventStream : IStreamDialect<ToldEvent>
{
    int _next;

    // Where nothing is left behind the event that was asked for, the stream is empty and whole.
    public bool IsComplete => true;

    public ApiError? FailureIn(ToldEvent item) => item.Failure;

    public void Write(ToldEvent item, ServerSentEvents output)
    {
        output.Write(item.Type(), item.Json.Span);
        _next = item.Sequence + 1;
    }

    public void WriteEnd(ServerSentEvents output) { }

    public void WriteError(ApiError error, ServerSentEvents output) =>
        new ErrorEvent("error", _next, error.Code ?? error.Type, error.Message, error.Param).WriteTo(output);
}
