using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>Tells a worker's agent from time to time what it has done, where that has changed: figures are for people, and nobody waits for them.</summary>
static class FigureTeller
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Runs until cancelled.</summary>
    /// <param name="status">Where to tell.</param>
    /// <param name="figures">Puts the figures as they are now into a report.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task RunAsync(StatusWriter status, Func<WorkerReport, WorkerReport> figures, TimeProvider clock, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
                status.SayIfNew(figures);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
