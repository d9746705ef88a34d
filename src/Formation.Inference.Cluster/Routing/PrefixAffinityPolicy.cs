namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// Sends an account's requests that begin alike to the same replica, which has the keys and values of that beginning, unless it is clearly
/// busier than others. All other requests go where few are in flight; among such replicas to the near ones, and among these by chance.
/// </summary>
/// <param name="random">Decides among equals.</param>
public sealed class PrefixAffinityPolicy(Random random) : IReplicaSelectionPolicy
{
    /// <summary>Requests more than the idlest one has that a replica may have and still be chosen for what it remembers.</summary>
    private const int AffinityMargin = 4;

    /// <summary>Differences up to this are chance: requests differ more than that in what they cost.</summary>
    private const int LoadMargin = 1;

    /// <summary>A way that is longer than the shortest one by less than this, or by less than a quarter, is as short: measurements differ as much.</summary>
    private static readonly TimeSpan DistanceMargin = TimeSpan.FromMilliseconds(2);

    private readonly RecentBeginnings _recent = new();
    private readonly List<ulong> _beginnings = [];
    private readonly List<int> _equals = [];

    public int Choose(GenerationRequest request, IReadOnlyList<ReplicaCandidate> candidates)
    {
        PromptBeginnings.Read(request, _beginnings);
        var least = candidates.Min(candidate => candidate.RequestsInFlight);
        var chosen = FindRemembered(candidates, least + AffinityMargin) ?? FindIdle(candidates, least + LoadMargin);
        foreach (var beginning in _beginnings)
            _recent.Note(beginning, candidates[chosen].Replica.Id);
        return chosen;
    }

    private int? FindRemembered(IReadOnlyList<ReplicaCandidate> candidates, int most)
    {
        for (var i = _beginnings.Count - 1; i >= 0; i--)
        {
            if (_recent.Find(_beginnings[i]) is not { } replica)
                continue;
            for (var candidate = 0; candidate < candidates.Count; candidate++)
                if (candidates[candidate].Replica.Id == replica)
                    return candidates[candidate].RequestsInFlight <= most ? candidate : null;
        }
        return null;
    }

    private int FindIdle(IReadOnlyList<ReplicaCandidate> candidates, int most)
    {
        var shortest = candidates.Where(candidate => candidate.RequestsInFlight <= most).Min(candidate => candidate.Replica.RoundTrip);
        var near = shortest + TimeSpan.FromTicks(Math.Max(DistanceMargin.Ticks, shortest.Ticks / 4));
        _equals.Clear();
        for (var i = 0; i < candidates.Count; i++)
            if (candidates[i].RequestsInFlight <= most && candidates[i].Replica.RoundTrip <= near)
                _equals.Add(i);
        return _equals[random.Next(_equals.Count)];
    }
}
