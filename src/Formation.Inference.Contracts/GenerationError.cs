namespace Formation.Inference;

/// <summary>An expected failure of a generation. Each dialect has one table from <see cref="Kind"/> to its status and shape.</summary>
/// <param name="Kind">What class of failure this is.</param>
/// <param name="Message">Which value, which limit, what to do; holds no text of a prompt or completion.</param>
public sealed record GenerationError(GenerationErrorKind Kind, string Message)
{
    /// <summary>
    /// The part of the request that is at fault, named as in <see cref="GenerationRequest"/> (for instance <c>Prompt</c>), or null.
    /// </summary>
    public string? Parameter { get; init; }

    /// <summary>When trying again may succeed, or null where that is pointless or unknown.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>The classes of expected failure.</summary>
public enum GenerationErrorKind
{
    /// <summary>A value of the request does not fit this model.</summary>
    InvalidRequest,
    ModelNotFound,

    /// <summary>Prompt (and requested completion) do not fit the model's context.</summary>
    ContextLengthExceeded,

    /// <summary>The queue is full.</summary>
    QueueFull,

    /// <summary>The model is still loading, or can't be loaded now for lack of memory.</summary>
    ModelUnavailable,

    /// <summary>The server is shutting down.</summary>
    ShuttingDown,

    /// <summary>A fault of the engine, not of the request.</summary>
    Internal,
}
