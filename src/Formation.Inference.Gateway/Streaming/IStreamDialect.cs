using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>How one endpoint puts a generation's events on the wire. Made for one request, used by one thread at a time.</summary>
internal interface IStreamDialect
{
    /// <summary>Whether every choice has finished.</summary>
    bool IsComplete { get; }

    /// <summary>Writes what an event means to the client. Gets no <see cref="GenerationFailed"/>.</summary>
    void Write(PromptEvent item, ServerSentEvents output);

    /// <summary>Writes what ends a complete stream.</summary>
    void WriteEnd(ServerSentEvents output);

    /// <summary>Writes the event that ends a stream in its middle.</summary>
    void WriteError(ApiError error, ServerSentEvents output);

    /// <summary>The backend's failure in the endpoint's words.</summary>
    ApiError ToApiError(GenerationError error);
}
