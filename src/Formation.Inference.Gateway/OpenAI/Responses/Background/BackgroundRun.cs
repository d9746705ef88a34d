using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>Takes one response in the background from where it is to its end.</summary>
internal sealed class BackgroundRun(GatewayOptions options, RequestGate gate, ResponsePlanner planner, AnswerSource answers, ILogger<BackgroundRun> logger)
{
    /// <summary>How often a response is begun with: whatever keeps ending the gateways that run it is not let go on for ever.</summary>
    const int MaxAttempts = 5;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);
    static readonly TimeSpan KeepInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>How long room is waited for, or a model that is being loaded.</summary>
    static readonly TimeSpan MaxWait = TimeSpan.FromHours(1);

    ContentStore Contents => options.Contents!;

    /// <summary>Tells the first events of a response that was just taken.</summary>
    internal async Task<ResponseLog> BeginLogAsync(string holder, OpenResponse response, ResponsePlan plan, CancellationToken cancellationToken)
    {
        ResponseLog log = Log(holder, response, 0);
        plan.Builder.Queue();
        Tell(log, new SteadyEvents(), plan.Builder);
        await log.KeepAsync(cancellationToken);
        return log;
    }

    /// <summary>Runs a response that a gateway holds.</summary>
    /// <param name="holder">The gateway.</param>
    /// <param name="response">The response.</param>
    /// <param name="show">Shows its events to those who look on.</param>
    /// <param name="log">Its events, where somebody may be looking on already.</param>
    /// <param name="cancellationToken">Cuts it off: it has ended otherwise, or the gateway stops.</param>
    /// <exception cref="ResponseLostException">It has ended otherwise, or another gateway holds it.</exception>
    /// <exception cref="Storage.StorageException">The database fails.</exception>
    internal async Task RunAsync(string holder, OpenResponse response, Action<ResponseLog> show, ResponseLog? log, CancellationToken cancellationToken)
    {
        while (true)
        {
            using (await EnterAsync(response.AccountId, cancellationToken))
            {
                (bool hasEnded, log) = await TryOnceAsync(holder, response, show, log, cancellationToken);
                if (hasEnded)
                    break;
            }

            await Task.Delay(RetryPause, options.Clock, cancellationToken);
        }

        await Contents.OpenResponses.RemoveAsync(response.Id, cancellationToken);
        await Contents.ResponseEvents.EndAsync(response.Id, cancellationToken);
    }

    /// <summary>A place among the requests in progress, as soon as there is one.</summary>
    async Task<RequestGate.Permit> EnterAsync(string accountId, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return gate.Enter(accountId);
            }
            catch (ApiErrorException)
            {
                await Task.Delay(Pause, options.Clock, cancellationToken);
            }
        }
    }

    /// <summary>Runs the response, which has not ended by that where the server has no room for it now.</summary>
    async Task<(bool HasEnded, ResponseLog? Log)> TryOnceAsync(
        string holder, OpenResponse response, Action<ResponseLog> show, ResponseLog? log, CancellationToken cancellationToken)
    {
        byte[]? request = await Contents.OpenResponses.FindRequestAsync(response, cancellationToken);
        byte[]? answer = await Contents.Responses.FindAnswerAsync(response.AccountId, response.Id, cancellationToken);
        if (request is null || answer is null || await Contents.Responses.FindStateAsync(response.AccountId, response.Id, cancellationToken) != ResponseState.Open)
            return (true, log);
        ResponseObject begun = JsonSerializer.Deserialize(answer, OpenAIJsonContext.Answers.ResponseObject)!;
        ResponsePlan plan;
        try
        {
            if (response.Attempt > MaxAttempts)
                throw new ApiErrorException(ApiErrors.Internal);
            plan = await PlanAsync(response, begun, request, cancellationToken);
        }
        catch (ApiErrorException failure)
        {
            // What it goes on with is gone, or its model.
            await FailAsync(response, begun, failure.Error, cancellationToken);
            return (true, log);
        }

        if (plan.Body.Stream == true && log is null)
        {
            log = Log(holder, response, await Contents.ResponseEvents.FindNextAsync(response.AccountId, response.Id, cancellationToken));
            show(log);
        }

        return (await RunAsync(holder, begun, plan, log, cancellationToken), log);
    }

    async Task<bool> RunAsync(string holder, ResponseObject begun, ResponsePlan plan, ResponseLog? log, CancellationToken cancellationToken)
    {
        var record = new RequestRecord { Model = begun.Model };
        using RequestTrace trace = answers.Trace(record, plan.Request.RequestId, "chat", plan.Request.ModelId, plan.Usage);
        using var keeping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task kept = log is null ? Task.CompletedTask : KeepAsync(log, keeping.Token);
        var dialect = new ResponseStream(plan.Builder, ResponsesMapping.Names(plan.Body));
        var events = new SteadyEvents();
        ApiError? failure = null;
        try
        {
            plan.Builder.Queue();
            await foreach (PromptEvent item in await planner.RunAsync(plan, cancellationToken))
            {
                failure = ((IStreamDialect<PromptEvent>)dialect).FailureIn(item);
                if (failure is not null)
                    break;
                plan.Builder.Add(item);
                if (item.Event is GenerationStarted)
                    await SaveAsync(holder, plan, ResponseState.Open, cancellationToken);
                Tell(log, events, plan.Builder);
            }

            if (failure is null && !plan.Builder.IsComplete)
                failure = ApiErrors.Internal;
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or Storage.StorageException or ResponseLostException))
        {
            GatewayLog.RequestFailed(logger, plan.Request.RequestId, exception);
            failure = ApiErrors.Internal;
        }
        finally
        {
            await keeping.CancelAsync();
            await kept.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        bool isToWait = failure?.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable && !HasWaitedLong(begun);
        record.StreamError = failure?.Code ?? failure?.Type;
        if (failure is not null && !isToWait)
            plan.Builder.Fail(failure);
        Tell(log, events, plan.Builder);
        if (log is not null)
            await log.KeepAsync(cancellationToken);
        if (!isToWait)
            await SaveAsync(holder, plan, failure is null ? ResponseState.Answered : ResponseState.Unanswered, cancellationToken);
        return !isToWait;
    }

    async Task<ResponsePlan> PlanAsync(OpenResponse response, ResponseObject begun, byte[] request, CancellationToken cancellationToken)
    {
        ResponsesRequest body = JsonBody.Parse(request, OpenAIJsonContext.Requests.ResponsesRequest);
        string requestId = $"req_{response.Id[ItemIds.ResponsePrefix.Length..]}_{response.Attempt}";
        DateTimeOffset created = DateTimeOffset.FromUnixTimeSeconds(begun.CreatedAt);
        ResponsePlan plan = await planner.PlanAsync(body, response.Id, created, new RequestRecord(), requestId, response.AccountId, cancellationToken);

        // Who runs it again shows the same time to the template, and draws the same: the id is random, and nobody can tell a seed from it.
        SamplingParams sampling = plan.Request.Sampling;
        return plan with
        {
            Request = plan.Request with
            {
                Sampling = sampling.Seed is null ? sampling with { Seed = SeedOf(response.Id) } : sampling,
                TemplateTime = TimeZoneInfo.ConvertTime(created, options.Clock.LocalTimeZone),
            },
        };
    }

    static long SeedOf(string id) => BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"seed of {id}"))) & long.MaxValue;

    ResponseLog Log(string holder, OpenResponse response, int begin) => new(
        begin, (events, token) => Contents.ResponseEvents.TryAddAsync(holder, response.AccountId, response.Id, events, token));

    /// <summary>Tells what was not told before, by whomever.</summary>
    static void Tell(ResponseLog? log, SteadyEvents events, ResponseBuilder builder)
    {
        // The last event is made of the response as it is kept, by whoever reads.
        ResponseStreamEvent[] all =
            [.. builder.TakeEvents().Where(each => each is not ResponseEvent { Response.Status: not (ResponseStatus.Queued or ResponseStatus.InProgress) })];
        log?.Add([.. all.SelectMany(events.Add).Where(each => each.SequenceNumber >= log.Next).Select(each => new ToldEvent(each.SequenceNumber, each.ToJson()))]);
    }

    /// <summary>Keeps what is told, a moment later.</summary>
    async Task KeepAsync(ResponseLog log, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(KeepInterval, options.Clock, cancellationToken);
            await log.KeepAsync(cancellationToken);
        }
    }

    async Task SaveAsync(string holder, ResponsePlan plan, ResponseState state, CancellationToken cancellationToken)
    {
        if (!await Contents.Responses.UpdateAsync(plan.ToKept(), plan.Conversation.Before, state, holder, cancellationToken))
            throw new ResponseLostException();
    }

    async Task FailAsync(OpenResponse response, ResponseObject begun, ApiError error, CancellationToken cancellationToken)
    {
        ResponseObject failed = ResponseBuilder.Failed(begun, error);
        await Contents.Responses.EndUnansweredAsync(
            response.AccountId, response.Id, JsonSerializer.SerializeToUtf8Bytes(failed, OpenAIJsonContext.Answers.ResponseObject), cancellationToken);
    }

    bool HasWaitedLong(ResponseObject begun) => options.Clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(begun.CreatedAt) > MaxWait;
}
