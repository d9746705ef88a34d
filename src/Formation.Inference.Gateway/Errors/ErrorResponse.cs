using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Errors;

/// <summary>Writes an <see cref="ApiError"/> as the whole answer to a request.</summary>
internal static class ErrorResponse
{
    internal static Task WriteAsync(HttpContext context, ApiError error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        return context.Response.WriteAsJsonAsync(
            ErrorBody.From(error), ErrorJsonContext.Relaxed.ErrorBody, "application/json", context.RequestAborted);
    }
}
