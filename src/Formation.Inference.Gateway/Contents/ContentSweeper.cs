using Formation.Inference.Gateway.Telemetry;
using Formation.Inference.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Contents;

/// <summary>Removes kept contents that are too old, at the start and every hour. That they are not found any more needs no sweep.</summary>
internal sealed class ContentSweeper(GatewayOptions options, ILogger<ContentSweeper> logger) : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Contents is not { } contents)
            return;
        using var timer = new PeriodicTimer(Interval, options.Clock);
        do
        {
            try
            {
                await contents.SweepAsync(stoppingToken);
            }
            catch (StorageException failure)
            {
                GatewayLog.SweepFailed(logger, failure.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
