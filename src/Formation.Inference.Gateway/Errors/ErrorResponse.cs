using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Errors;

/// <summary>Writes an <see cref="ApiError"/> as the whole answer to a request, in the dialect of whoever sent it.</summary>
/// <param name="dialects">The dialects that have errors of their own.</param>
internal sealed class ErrorResponse(IEnumerable<IErrorDialect> dialects)
{
    readonly IErrorDialect[] _dialects = [.. dialects, new StandardErrors()];

    internal Task WriteAsync(HttpContext context, ApiError error)
    {
        IErrorDialect dialect = Array.Find(_dialects, each => each.IsSpokenBy(context.Request))!;
        context.Response.StatusCode = dialect.StatusOf(error);
        if (error.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";

        // The rest of such a body is not read, so that nothing else can come over the same connection; whoever is not told may try.
        if (error.Status == StatusCodes.Status413PayloadTooLarge && HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
        return dialect.WriteBodyAsync(context, error);
    }
}
