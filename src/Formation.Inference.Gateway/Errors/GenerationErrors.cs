namespace Formation.Inference.Gateway.Errors;

/// <summary>The one table from the engine's failures to the API's.</summary>
internal static class GenerationErrors
{
    /// <param name="error">What the backend reported.</param>
    /// <param name="parameterName">The dialect's name of a part of <see cref="GenerationRequest"/>.</param>
    internal static ApiError ToApiError(GenerationError error, Func<string, string?> parameterName)
    {
        (int status, string type, string? code) = error.Kind switch
        {
            GenerationErrorKind.InvalidRequest => (400, ApiError.InvalidRequest, "invalid_value"),
            GenerationErrorKind.ModelNotFound => (404, ApiError.InvalidRequest, "model_not_found"),
            GenerationErrorKind.ContextLengthExceeded => (400, ApiError.InvalidRequest, "context_length_exceeded"),
            GenerationErrorKind.QueueFull => (429, "requests", "rate_limit_exceeded"),
            GenerationErrorKind.ModelUnavailable => (503, ApiError.ServerError, "model_unavailable"),
            GenerationErrorKind.ShuttingDown => (503, ApiError.ServerError, "shutting_down"),
            _ => (500, ApiError.ServerError, (string?)null),
        };
        return new ApiError(status, type, code, error.Message)
        {
            Param = error.Parameter is { } part ? parameterName(part) : null,
            RetryAfter = error.RetryAfter ?? (status is 429 or 503 ? TimeSpan.FromSeconds(1) : null),
        };
    }
}
