namespace Formation.Inference.Cli.Bench;

/// <summary>
/// Measures engines in turns (first, second, first, second, ...), so that whatever slows the machine down for a while slows all of them. Two
/// never compute at once.
/// </summary>
/// <param name="repeat">Measurements of each engine, at least 1.</param>
/// <param name="time">The clock.</param>
sealed class Turns(int repeat, TimeProvider time)
{
    // Run-time compilers, caches and page tables settle in the first runs (a server's in its first two hundred tokens); until then the figures
    // would say how fast they do.
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(3);

    /// <summary>Warms each engine up and measures it.</summary>
    /// <returns>A spread for each engine, in their order.</returns>
    public async Task<IReadOnlyList<Spread>> MeasureAsync(
        BenchTest test, IReadOnlyList<Measurement> engines, CancellationToken cancellationToken)
    {
        foreach (var engine in engines)
            await WarmUpAsync(engine, test, cancellationToken);
        List<double>[] speeds = [.. engines.Select(_ => new List<double>(repeat))];
        for (var turn = 0; turn < repeat; turn++)
            for (var i = 0; i < engines.Count; i++)
                speeds[i].Add(await engines[i](test, cancellationToken));
        return [.. speeds.Select(Spread.Of)];
    }

    private async Task WarmUpAsync(Measurement engine, BenchTest test, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        do
            await engine(test, cancellationToken);
        while (time.GetElapsedTime(start) < WarmUpTime);
    }
}
