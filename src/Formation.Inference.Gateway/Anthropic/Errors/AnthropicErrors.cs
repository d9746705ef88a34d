using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Anthropic.Errors;

/// <summary>Errors in Anthropic's words: for whoever asks for its routes, and whoever names a version of its API.</summary>
internal sealed class AnthropicErrors : IErrorDialect
{
    /// <summary>Anthropic's status for a server that can't take the request now.</summary>
    internal const int Overloaded = 529;

    public bool IsSpokenBy(HttpRequest request) => request.Path.StartsWithSegments("/v1/messages") || AnthropicVersion.IsNamedIn(request);

    public int StatusOf(ApiError error) => error.Status == StatusCodes.Status503ServiceUnavailable ? Overloaded : error.Status;

    public Task WriteBodyAsync(HttpContext context, ApiError error) => context.Response.WriteAsJsonAsync(
        AnthropicErrorBody.From(error, context.TraceIdentifier),
        AnthropicJsonContext.Answers.AnthropicErrorBody,
        "application/json",
        context.RequestAborted);

    /// <summary>The one table from statuses to types.</summary>
    internal static string TypeOf(ApiError error) => error.Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status408RequestTimeout => "timeout_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
