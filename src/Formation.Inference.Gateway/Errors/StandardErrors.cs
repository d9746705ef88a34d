using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Errors;

/// <summary>The shape that all get who speak no other dialect: OpenAI's.</summary>
internal sealed class StandardErrors : IErrorDialect
{
    public bool IsSpokenBy(HttpRequest request) => true;

    public int StatusOf(ApiError error) => error.Status;

    public Task WriteBodyAsync(HttpContext context, ApiError error) => context.Response.WriteAsJsonAsync(
        ErrorBody.From(error), ErrorJsonContext.Relaxed.ErrorBody, "application/json", context.RequestAborted);
}
