using System.Diagnostics;
using System.Globalization;
using Formation.Inference.Gateway.Auth;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>
/// Gives each request its id (always the server's own, so that it is unique; <c>x-request-id</c> and, as Anthropic's clients
/// call it, <c>request-id</c> on every answer), and counts, times and
/// logs it when it has ended.
/// </summary>
internal sealed class ObservationMiddleware(
    RequestDelegate next, GatewayOptions options, GatewayTelemetry telemetry, RequestIds ids, ILogger<ObservationMiddleware> logger)
{
    const string ProcessingHeader = "openai-processing-ms";

    public async Task InvokeAsync(HttpContext context)
    {
        long start = options.Clock.GetTimestamp();
        var record = new RequestRecord();
        context.Features.Set(record);
        context.TraceIdentifier = $"req_{ids.Create()}";
        Activity.Current?.SetTag("formation.request_id", context.TraceIdentifier);
        context.Response.OnStarting(() =>
        {
            context.Response.Headers["x-request-id"] = context.TraceIdentifier;
            context.Response.Headers["request-id"] = context.TraceIdentifier;
            context.Response.Headers[ProcessingHeader] = Milliseconds(start).ToString(CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });

        telemetry.RequestStarted();
        try
        {
            await next(context);
        }
        finally
        {
            string route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "";
            int status = context.Response.StatusCode;
            telemetry.RequestEnded(route, status, record, options.Clock.GetElapsedTime(start));
            GatewayLog.RequestEnded(
                logger, context.TraceIdentifier, context.Request.Method, route, status, Milliseconds(start),
                context.Features.Get<Caller>()?.AccountId ?? "-", record.Model ?? "-", record.PromptTokens, record.CompletionTokens);
        }
    }

    long Milliseconds(long start) => (long)options.Clock.GetElapsedTime(start).TotalMilliseconds;
}
