using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Batches;

/// <summary>Works on batches: a few at once, each of another account, so that nobody's long one keeps the others waiting.</summary>
internal sealed class BatchRunner(
    GatewayOptions options, BatchLineRunner lines, RequestIds ids, IEnumerable<IBatchDialect> dialects, ILogger<BatchRunner> logger) : BackgroundService
{
    const int BatchesAtOnce = 4;
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    readonly string _holder = Guid.NewGuid().ToString("N");
    readonly SemaphoreSlim _wake = new(0);

    /// <summary>There may be something to do.</summary>
    internal void Wake() => _wake.Release();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Contents is not { } contents)
            return;
        var running = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                foreach ((string account, Task task) in running.Where(each => each.Value.IsCompleted).ToArray())
                    running.Remove(account);
                if (running.Count < BatchesAtOnce && await TryHoldAsync(contents, running.Keys.ToHashSet(), stoppingToken) is { } batch)
                    running[batch.AccountId] = RunAsync(contents, batch, stoppingToken);
                else
                    await WaitAsync(stoppingToken);
            }
        }
        finally
        {
            await Task.WhenAll(running.Values);
        }
    }

    async Task WaitAsync(CancellationToken stopping)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await Task.WhenAny(_wake.WaitAsync(waiting.Token), Task.Delay(LookInterval, options.Clock, waiting.Token));
        await waiting.CancelAsync();
        stopping.ThrowIfCancellationRequested();
    }

    async Task<KeptBatch?> TryHoldAsync(ContentStore contents, IReadOnlySet<string> busyAccounts, CancellationToken stopping)
    {
        try
        {
            return await contents.Batches.TryHoldAsync(_holder, busyAccounts, stopping);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            GatewayLog.BatchFailed(logger, "none", failure.GetType().FullName!);
            return null;
        }
    }

    async Task RunAsync(ContentStore contents, KeptBatch batch, CancellationToken stopping)
    {
        try
        {
            // Away from the loop, which has others to look after.
            await Task.Yield();
            await dialects.First(each => each.Name == batch.Dialect).Take(new BatchWork(contents, lines, ids, options, _holder), batch).RunAsync(stopping);
            Wake();
        }
        catch (Exception failure)
        {
            // Whatever it was, what has ended is kept, and whoever holds the batch next goes on from there: at once where this server stops, else
            // when its time has run out, since what failed now would fail again.
            if (stopping.IsCancellationRequested)
                await ReleaseAsync(contents, batch);
            else
                GatewayLog.BatchFailed(logger, batch.Id, failure.GetType().FullName!);
        }
    }

    async Task ReleaseAsync(ContentStore contents, KeptBatch batch)
    {
        try
        {
            await contents.Batches.ReleaseAsync(_holder, batch.Id, CancellationToken.None);
        }
        catch (Exception failure)
        {
            // Then its time runs out.
            GatewayLog.BatchFailed(logger, batch.Id, failure.GetType().FullName!);
        }
    }
}
