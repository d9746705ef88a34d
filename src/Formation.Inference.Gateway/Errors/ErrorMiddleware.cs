using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.Telemetry;
using Formation.Inference.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Errors;

/// <summary>
/// Gives every failure the error shape of the client's dialect: what handlers throw, what the server itself finds wrong with a body, and
/// routes and methods that don't exist. A failure after the first byte of an answer cuts the connection, so that nobody takes the part for the whole.
/// </summary>
internal sealed class ErrorMiddleware(
    RequestDelegate next, GatewayOptions options, ErrorResponse response, ILogger<ErrorMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        ApiError? error;
        try
        {
            await next(context);
            error = ErrorOfEmptyAnswer(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer; the status is for the metrics and the log.
            if (!context.Response.HasStarted)
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return;
        }
        catch (Exception exception)
        {
            error = ErrorOf(exception);
            if (error.Status == StatusCodes.Status500InternalServerError)
                GatewayLog.RequestFailed(logger, context.TraceIdentifier, exception);
            if (exception is StorageException failure)
                GatewayLog.DatabaseFailed(logger, context.TraceIdentifier, failure.Message);
        }

        if (error is null)
            return;
        if (context.Response.HasStarted)
            context.Abort();
        else
            await response.WriteAsync(context, error);
    }

    ApiError ErrorOf(Exception exception) => exception switch
    {
        ApiErrorException refused => refused.Error,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ApiErrors.BodyTooLarge(options.MaxRequestBodyBytes),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => ApiErrors.BodyTooSlow,
        StorageException { IsDuplicate: false } => ApiErrors.DatabaseUnavailable,
        BadHttpRequestException or IOException => ApiErrors.UnreadableBody,
        _ => ApiErrors.Internal,
    };

    static ApiError? ErrorOfEmptyAnswer(HttpContext context)
    {
        HttpResponse response = context.Response;
        if (response.HasStarted || response.ContentLength > 0)
            return null;
        string path = context.Request.Path.Value ?? "/";
        return response.StatusCode switch
        {
            StatusCodes.Status404NotFound => MissingEndpoints.Find(context.Request.Method, path) ?? ApiErrors.UnknownUrl(context.Request.Method, path),
            StatusCodes.Status405MethodNotAllowed => MissingEndpoints.FindUnder(context.Request.Method, path) ??
                ApiErrors.MethodNotAllowed(context.Request.Method, path, response.Headers.Allow.ToString()),
            StatusCodes.Status415UnsupportedMediaType => ApiErrors.UnsupportedContentType,
            _ => null,
        };
    }
}
