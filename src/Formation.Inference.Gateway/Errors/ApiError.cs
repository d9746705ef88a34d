namespace Formation.Inference.Gateway.Errors;

/// <summary>A refusal or failure as a client sees it. The values are those of OpenAI's API; other dialects put them into
/// their own words (<see cref="IErrorDialect"/>).</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Type">The class of error, for instance <c>invalid_request_error</c>.</param>
/// <param name="Code">What exactly is wrong, for programs, or null.</param>
/// <param name="Message">The same for people: which value, which limit, what to do.</param>
internal sealed record ApiError(int Status, string Type, string? Code, string Message)
{
    internal const string InvalidRequest = "invalid_request_error";
    internal const string ServerError = "server_error";

    /// <summary>The parameter at fault, as a path in the body (<c>messages[2].role</c>), or null.</summary>
    public string? Param { get; init; }

    /// <summary>Sent as the <c>Retry-After</c> header, rounded up to whole seconds.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>A 400 for one parameter.</summary>
    internal static ApiError BadParameter(string? param, string code, string message) =>
        new(400, InvalidRequest, code, message) { Param = param };
}

/// <summary>Ends the handling of a request with an <see cref="ApiError"/>, wherever in it that turns out.</summary>
internal sealed class ApiErrorException(ApiError error)
    : Exception($"The request is answered with status {error.Status}, code {error.Code}.")
{
    public ApiError Error { get; } = error;
}
