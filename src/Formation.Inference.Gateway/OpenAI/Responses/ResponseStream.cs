using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Streaming;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>Step 10 for streamed responses: sends what the builder has to tell, which saw each event before.</summary>
internal sealed class ResponseStream(ResponseBuilder builder, ParameterNames names) : IStreamDialect
{
    public bool IsComplete => builder.IsComplete;

    public void Write(PromptEvent item, ServerSentEvents output) => Send(output);

    public void WriteEnd(ServerSentEvents output)
    {
        builder.TellEnd();
        Send(output);
    }

    public void WriteError(ApiError error, ServerSentEvents output)
    {
        builder.Fail(error);
        Send(output);
    }

    public ApiError ToApiError(GenerationError error) =>
        GenerationErrors.ToApiError(error, part => part == nameof(GenerationRequest.Logprobs) ? "top_logprobs" : names.Of(part));

    void Send(ServerSentEvents output)
    {
        foreach (ResponseStreamEvent each in builder.TakeEvents())
            each.WriteTo(output);
    }
}
