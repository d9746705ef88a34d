using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>How one endpoint puts events on the wire. Made for one request, used by one thread at a time.</summary>
/// <typeparam name="T">The events.</typeparam>
internal interface IStreamDialect<in T>
{
    /// <summary>Whether all has come that makes the answer whole.</summary>
    bool IsComplete { get; }

    /// <summary>What an event says that ends the stream in its middle, or null where it is another one.</summary>
    ApiError? FailureIn(T item);

    /// <summary>Writes what an event means to the client. Gets none that is a failure.</summary>
    void Write(T item, ServerSentEvents output);

    /// <summary>Writes what ends a complete stream.</summary>
    void WriteEnd(ServerSentEvents output);

    /// <summary>Writes the event that ends a stream in its middle.</summary>
    void WriteError(ApiError error, ServerSentEvents output);
}

/// <summary>How one endpoint puts a generation's events on the wire.</summary>
internal interface IStreamDialect : IStreamDialect<PromptEvent>
{
    /// <summary>The backend's failure in the endpoint's words.</summary>
    ApiError ToApiError(GenerationError error);

    ApiError? IStreamDialect<PromptEvent>.FailureIn(PromptEvent item) => item.Event is GenerationFailed { Error: var error } ? ToApiError(error) : null;
}
