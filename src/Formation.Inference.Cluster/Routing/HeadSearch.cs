using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// Finds one request its next head: one that was not lost to it before, else one whose pause is over, else it waits for the directory, as
/// long as the request may. Belongs to one request.
/// </summary>
internal sealed class HeadSearch(
    GenerationRequest request, IReplicaDirectory directory, ReplicaLoads loads, ClusterBackendOptions options, TimeProvider clock)
{
    private readonly Dictionary<KeyPin, (int Times, long LastAt)> _failures = [];
    private GenerationError? _refusal;
    private long? _waitingSince;

    /// <summary>Notes that a head works on the request: the next search has all its time again.</summary>
    public void NoteAccepted() => (_waitingSince, _refusal) = (null, null);

    /// <summary>Notes that a head did not take the request or was lost: others come first.</summary>
    /// <param name="head">Which.</param>
    /// <param name="hasProgressed">Whether it brought the request nearer to its end: then what happened before it counts no more.</param>
    /// <param name="refusal">What it answered where it lives and has no room, else null.</param>
    public void NoteFailure(KeyPin head, bool hasProgressed, GenerationError? refusal)
    {
        if (hasProgressed)
            _failures.Clear();
        _failures[head] = (_failures.GetValueOrDefault(head).Times + 1, clock.GetTimestamp());
        _refusal = refusal ?? _refusal;
    }

    /// <summary>Finds a head, or why there is none.</summary>
    /// <param name="mayWait">Whether the request waits where all heads are there and have no room; otherwise their answer is passed on.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<(ReplicaLease? Lease, GenerationError? Error)> FindAsync(bool mayWait, CancellationToken cancellationToken)
    {
        while (true)
        {
            var replicas = directory.Find(request.ModelId);
            if (replicas is null && _waitingSince is null && _failures.Count == 0)
                return (null, RoutingErrors.ModelNotFound(request.ModelId));
            if (replicas is { IsAsleep: true })
                directory.Wake(request.ModelId);
            var ready = replicas?.Replicas.Where(replica => replica.IsReady).ToList() ?? [];
            if (request.Routing is { } required && ready.Count > 0)
            {
                // A request that has begun waits for such a replica as it would for any: it may be the one that was just lost.
                var fitting = ready.Where(replica => Fits(replica, required)).ToList();
                if (!mayWait && (fitting.Count == 0 || ready.Count < required.MinReplicas))
                    return (null, RoutingErrors.NoneFits(request.ModelId, required, ready));
                ready = fitting;
            }

            var candidates = ready.Where(replica => !_failures.ContainsKey(replica.HeadPin)).ToList();
            if (candidates.Count == 0 && _refusal is not null && !mayWait)
                return (null, _refusal);
            if (candidates.Count == 0)
                candidates = [.. ready.Where(replica => PauseOf(replica.HeadPin) <= TimeSpan.Zero)];
            if (candidates.Count > 0)
                return (loads.Take(request, candidates), null);

            _waitingSince ??= clock.GetTimestamp();
            var left = options.HeadTimeout - clock.GetElapsedTime(_waitingSince.Value);
            if (left <= TimeSpan.Zero)
                return (null, _refusal ?? RoutingErrors.NoHead(request.ModelId, replicas, options.HeadTimeout));
            var pause = ready.Select(replica => PauseOf(replica.HeadPin)).Append(left).Min();

            // One may have ended since it was looked at, and a wait of -1 ms would be one for ever.
            if (pause <= TimeSpan.Zero)
                continue;
            await WaitAsync(replicas?.Version ?? 0, pause, cancellationToken);
        }
    }

    private static bool Fits(Replica replica, RoutingRequirements required) =>
        (required.Region is null || replica.Region == required.Region) && (required.MaxRoundTrip is null || replica.RoundTrip <= required.MaxRoundTrip);

    private TimeSpan PauseOf(KeyPin head)
    {
        var (times, lastAt) = _failures[head];
        var pause = Math.Min(options.LongestPause.Ticks, options.ShortestPause.Ticks << Math.Min(times - 1, 20));
        return TimeSpan.FromTicks(pause) - clock.GetElapsedTime(lastAt);
    }

    private async Task WaitAsync(long version, TimeSpan longest, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changed = directory.WaitForChangeAsync(request.ModelId, version, over.Token);
        var pause = Task.Delay(longest, clock, over.Token);
        await Task.WhenAny(changed, pause);
        over.Cancel();
        cancellationToken.ThrowIfCancellationRequested();
    }
}
