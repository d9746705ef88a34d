using System.Collections.Concurrent;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>
/// Runs responses that nobody waits for. Each is kept with what was asked before its id is told, and held by the gateway that took it; when that one is
/// lost or restarted, another one, or itself, runs it again, with the same seed and so with the same words.
/// </summary>
internal sealed class BackgroundResponses(
    GatewayOptions options, BackgroundRun run, IHostApplicationLifetime lifetime, ILogger<BackgroundResponses> logger) : BackgroundService
{
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    readonly string _holder = Guid.NewGuid().ToString("N");
    readonly ConcurrentDictionary<string, Running> _running = new(StringComparer.Ordinal);
    readonly CancellationTokenSource _stopping = new();

    /// <summary>The gateway is about to stop: what runs here goes on elsewhere, and who looks on has to look there.</summary>
    internal CancellationToken Stopping => lifetime.ApplicationStopping;

    /// <summary>Keeps a response that is to be made, and begins with it.</summary>
    /// <exception cref="ApiErrorException">The account has too many (429).</exception>
    internal async Task AcceptAsync(ResponsePlan plan, byte[] request, CancellationToken cancellationToken)
    {
        KeptResponse begun = plan.ToKept();
        if (!await options.Contents!.OpenResponses.TryAddAsync(_holder, begun, plan.Conversation.Before, request, cancellationToken))
            throw new ApiErrorException(ApiErrors.TooManyInBackground);
        var response = new OpenResponse(begun.Id, plan.AccountId, 1);
        ResponseLog? log = plan.Body.Stream == true ? await run.BeginLogAsync(_holder, response, plan, cancellationToken) : null;
        Begin(response, log);
    }

    /// <summary>The events of a response that this gateway runs; null where it does not, or nobody may look on.</summary>
    internal ResponseLog? FindLog(string id) => _running.TryGetValue(id, out Running? running) ? running.Log : null;

    /// <summary>Cuts a response off that has ended otherwise. Other gateways find out by themselves.</summary>
    internal void Cut(string id)
    {
        if (_running.TryGetValue(id, out Running? running))
            running.Cut();
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Contents is not { } contents)
            return;
        try
        {
            while (true)
            {
                await LookAsync(contents.OpenResponses, stoppingToken);
                await Task.Delay(LookInterval, options.Clock, stoppingToken);
            }
        }
        finally
        {
            await _stopping.CancelAsync();
            foreach (Running running in _running.Values)
                running.Cut();
            await Task.WhenAll(_running.Values.Select(running => running.Task));
            await ReleaseAsync(contents.OpenResponses);
        }
    }

    /// <summary>Holds on to what runs here, leaves what has ended otherwise, and takes over what nobody holds.</summary>
    async Task LookAsync(OpenResponseTable table, CancellationToken stopping)
    {
        try
        {
            if (!_running.IsEmpty)
            {
                // Asked for before, so that what begins meanwhile is not taken for lost.
                KeyValuePair<string, Running>[] running = [.. _running];
                IReadOnlySet<string> held = await table.HoldOnAsync(_holder, running.Select(each => each.Key), stopping);
                foreach ((string id, Running each) in running)
                    if (!held.Contains(id))
                        each.Cut();
            }

            while (await table.TryHoldAsync(_holder, stopping) is { } response)
                Begin(response, null);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            GatewayLog.BackgroundFailed(logger, "none", failure.GetType().FullName!);
        }
    }

    void Begin(OpenResponse response, ResponseLog? log)
    {
        var running = new Running(log, CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token));
        if (_running.TryAdd(response.Id, running))
            running.Task = RunAsync(response, running);
    }

    async Task RunAsync(OpenResponse response, Running running)
    {
        // Away from the request, or the loop, which has others to look after.
        await Task.Yield();
        try
        {
            await run.RunAsync(_holder, response, log => running.Log = log, running.Log, running.Token);
        }
        catch (Exception failure)
        {
            // Whatever it was, who holds the response when this hold has run out goes on with it.
            if (!running.Token.IsCancellationRequested && failure is not ResponseLostException)
                GatewayLog.BackgroundFailed(logger, response.Id, failure.GetType().FullName!);
        }
        finally
        {
            _running.TryRemove(response.Id, out _);
            running.Log?.Tell();
            running.Dispose();
        }
    }

    async Task ReleaseAsync(OpenResponseTable table)
    {
        try
        {
            await table.ReleaseAsync(_holder, CancellationToken.None);
        }
        catch (Exception failure)
        {
            // Then the time of the hold runs out.
            GatewayLog.BackgroundFailed(logger, "none", failure.GetType().FullName!);
        }
    }

    sealed class Running(ResponseLog? log, CancellationTokenSource cut) : IDisposable
    {
        ResponseLog? _log = log;

        internal ResponseLog? Log
        {
            get => Volatile.Read(ref _log);
            set => Volatile.Write(ref _log, value);
        }

        internal Task Task { get; set; } = Task.CompletedTask;

        internal CancellationToken Token { get; } = cut.Token;

        internal void Cut()
        {
            try
            {
                cut.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended by itself.
            }
        }

        public void Dispose() => cut.Dispose();
    }
}
