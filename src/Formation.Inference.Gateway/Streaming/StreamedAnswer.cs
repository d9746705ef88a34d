using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>
/// Step 10 of the request path for streams: sends events as they come. A failure before the first event is an ordinary error answer; a
/// later
/// one is an <c>error</c> event, after which the stream ends without its usual end.
/// </summary>
internal sealed class StreamedAnswer(GatewayOptions options, ILogger<StreamedAnswer> logger)
{
    /// <summary>Events that are ready together go out together, up to this size; a client waits for none that exists.</summary>
    const int FlushBytes = 16 * 1024;

    internal async Task SendAsync<T>(HttpContext context, Func<CancellationToken, IAsyncEnumerable<T>> run, IStreamDialect<T> dialect)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        IAsyncEnumerator<T> events = run(stop.Token).GetAsyncEnumerator(stop.Token);
        Task<bool> next = events.MoveNextAsync().AsTask();
        try
        {
            // The status waits for the first event, but not for ever: a model may be loading, and a proxy may lose patience.
            if (await EndsInTimeAsync(next))
                await RefuseFailureAsync(next, events, dialect);

            using var output = new ServerSentEvents(context.Response);
            output.Start();
            while (true)
            {
                while (!await EndsInTimeAsync(next))
                {
                    output.WriteKeepAlive();
                    if (!await FlushAsync(context, output, stop.Token))
                        return;
                }

                ApiError? failure = await FailureAsync(context, next, events, dialect);
                if (failure is not null)
                {
                    await EndWithErrorAsync(context, output, dialect, failure);
                    return;
                }

                if (!next.Result)
                    break;
                dialect.Write(events.Current, output);
                next = events.MoveNextAsync().AsTask();
                bool mustFlush = !next.IsCompleted || output.Unflushed > FlushBytes;
                if (mustFlush && !await FlushAsync(context, output, stop.Token))
                    return;
            }

            dialect.WriteEnd(output);
            await FlushAsync(context, output, stop.Token);
        }
        finally
        {
            if (context.RequestAborted.IsCancellationRequested)
                RequestRecord.Of(context).StreamError ??= "client_closed_request";

            // An enumerator may not be disposed in the middle of a step.
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, TaskScheduler.Default);
            await events.DisposeAsync();
        }
    }

    async Task<bool> EndsInTimeAsync(Task<bool> next)
    {
        if (next.IsCompleted)
            return true;
        try
        {
            await next.WaitAsync(options.StreamKeepAliveInterval, options.Clock);
        }
        catch (Exception)
        {
            // Either the time is over, or the step failed, which whoever awaits it finds out.
        }

        return next.IsCompleted;
    }

    static async Task RefuseFailureAsync<T>(Task<bool> next, IAsyncEnumerator<T> events, IStreamDialect<T> dialect)
    {
        if (!await next && !dialect.IsComplete)
            throw new InvalidOperationException("The backend gave no event.");
        if (next.Result && dialect.FailureIn(events.Current) is { } failure)
            throw new ApiErrorException(failure);
    }

    async Task<ApiError?> FailureAsync<T>(HttpContext context, Task<bool> next, IAsyncEnumerator<T> events, IStreamDialect<T> dialect)
    {
        try
        {
            if (!await next)
                return dialect.IsComplete ? null : ApiErrors.Internal;
            return dialect.FailureIn(events.Current);
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            GatewayLog.RequestFailed(logger, context.TraceIdentifier, exception);
            return ApiErrors.Internal;
        }
    }

    async Task EndWithErrorAsync<T>(HttpContext context, ServerSentEvents output, IStreamDialect<T> dialect, ApiError error)
    {
        GatewayLog.StreamFailed(logger, context.TraceIdentifier, error.Status, error.Code ?? error.Type);
        RequestRecord.Of(context).StreamError = error.Code ?? error.Type;
        dialect.WriteError(error, output);
        await FlushAsync(context, output, context.RequestAborted);
    }

    /// <summary>Sends what was written. Where the client takes none of it for too long, cuts it off and says false.</summary>
    async ValueTask<bool> FlushAsync(HttpContext context, ServerSentEvents output, CancellationToken cancellationToken)
    {
        ValueTask flush = output.FlushAsync(cancellationToken);
        if (flush.IsCompletedSuccessfully)
            return true;
        try
        {
            await flush.AsTask().WaitAsync(options.StreamStallTimeout, options.Clock, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            RequestRecord.Of(context).StreamError = "client_too_slow";
            context.Abort();
            return false;
        }
    }
}
