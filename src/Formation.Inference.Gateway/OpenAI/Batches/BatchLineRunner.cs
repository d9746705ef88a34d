using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>
/// Runs a line of a batch as the request that it is: through the endpoint's own handler, with the account's own limits, so that it is answered exactly
/// as it would be over HTTP. Begins one only where interactive requests leave room.
/// </summary>
internal sealed class BatchLineRunner(
    GatewayOptions options, RequestGate gate, RequestIds ids, ErrorResponse errors, IServiceProvider services, ILogger<ErrorMiddleware> logger)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    readonly SemaphoreSlim _places = new(options.BatchRequestsAtOnce);
    int _running;

    /// <summary>The endpoint with a path that takes requests of batches, or null.</summary>
    internal RouteEndpoint? Find(string path) => path is "/v1/chat/completions" or "/v1/completions" or "/v1/responses" or "/v1/embeddings"
        ? services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().FirstOrDefault(endpoint =>
            endpoint.RoutePattern.RawText == path && endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("POST") == true)
        : null;

    /// <summary>Answers a line. What the server has no room for is tried again.</summary>
    internal async Task<BatchLineAnswer> RunAsync(string accountId, string path, BatchLine line, CancellationToken cancellationToken)
    {
        RouteEndpoint endpoint = Find(path) ?? throw new InvalidOperationException("The endpoint was there when the batch was made.");
        while (true)
        {
            await _places.WaitAsync(cancellationToken);
            try
            {
                while (gate.Total - Volatile.Read(ref _running) >= options.BatchYieldsToRequests)
                    await Task.Delay(Pause, options.Clock, cancellationToken);
                BatchLineAnswer answer = await AnswerAsync(accountId, path, endpoint, line, cancellationToken);
                if (answer.StatusCode is not (StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable))
                    return answer;
            }
            finally
            {
                _places.Release();
            }

            await Task.Delay(RetryPause, options.Clock, cancellationToken);
        }
    }

    async Task<BatchLineAnswer> AnswerAsync(string accountId, string path, RouteEndpoint endpoint, BatchLine line, CancellationToken cancellationToken)
    {
        using var answer = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = services, RequestAborted = cancellationToken, TraceIdentifier = "req_" + ids.Create() };
        context.Features.Set(new RequestRecord());
        context.Features.Set(new Caller(accountId, endpoint.Metadata.GetMetadata<AccessPolicy>()!.Scope));
        context.Request.Method = HttpMethods.Post;
        context.Request.Path = path;
        context.Request.ContentType = "application/json";
        context.Request.Body = new MemoryStream(line.Body, writable: false);
        context.Response.Body = answer;
        Interlocked.Increment(ref _running);
        try
        {
            await new ErrorMiddleware(endpoint.RequestDelegate!, options, errors, logger).InvokeAsync(context);
            await context.Response.BodyWriter.FlushAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new BatchLineAnswer(context.Response.StatusCode, context.TraceIdentifier, JsonElement.Parse(answer.ToArray()));
    }
}
