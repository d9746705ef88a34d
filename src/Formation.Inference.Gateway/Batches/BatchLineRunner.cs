using System.Text.Json;
using Formation.Inference.Gateway.Anthropic.Errors;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Batches;

/// <summary>A request of a batch.</summary>
/// <param name="Number">Its line.</param>
/// <param name="CustomId">What its author calls it.</param>
/// <param name="Body">The body of the request.</param>
internal sealed record BatchLine(int Number, string CustomId, byte[] Body);

/// <summary>Where a batch's requests go.</summary>
/// <param name="Path">The endpoint's path.</param>
/// <param name="Headers">What each request says besides its body.</param>
internal sealed record BatchTarget(string Path, params IReadOnlyList<(string Name, string Value)> Headers);

/// <summary>What a line was answered.</summary>
internal sealed record BatchLineAnswer(int StatusCode, string RequestId, JsonElement Body);

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

    /// <summary>The endpoint with a path, which has to be one that takes requests of batches.</summary>
    internal RouteEndpoint Find(string path) => services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().First(endpoint =>
        endpoint.RoutePattern.RawText == path && endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("POST") == true);

    /// <summary>Answers a line. What the server has no room for is tried again.</summary>
    internal async Task<BatchLineAnswer> RunAsync(string accountId, BatchTarget target, BatchLine line, CancellationToken cancellationToken)
    {
        RouteEndpoint endpoint = Find(target.Path);
        while (true)
        {
            await _places.WaitAsync(cancellationToken);
            try
            {
                while (gate.Total - Volatile.Read(ref _running) >= options.BatchYieldsToRequests)
                    await Task.Delay(Pause, options.Clock, cancellationToken);
                BatchLineAnswer answer = await AnswerAsync(accountId, target, endpoint, line, cancellationToken);
                if (answer.StatusCode is not (StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable or AnthropicErrors.Overloaded))
                    return answer;
            }
            finally
            {
                _places.Release();
            }

            await Task.Delay(RetryPause, options.Clock, cancellationToken);
        }
    }

    async Task<BatchLineAnswer> AnswerAsync(string accountId, BatchTarget target, RouteEndpoint endpoint, BatchLine line, CancellationToken cancellationToken)
    {
        using var answer = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = services, RequestAborted = cancellationToken, TraceIdentifier = "req_" + ids.Create() };
        context.Features.Set(new RequestRecord());
        context.Features.Set(new Caller(accountId, endpoint.Metadata.GetMetadata<AccessPolicy>()!.Scope));
        context.Request.Method = HttpMethods.Post;
        context.Request.Path = target.Path;
        foreach ((string name, string value) in target.Headers)
            context.Request.Headers[name] = value;
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
