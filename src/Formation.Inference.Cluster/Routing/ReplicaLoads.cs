using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// What this gateway's requests know of replicas together: how many of them each works on, and which heads were lost a moment ago. Safe to
/// use from any thread.
/// </summary>
internal sealed class ReplicaLoads(IReplicaSelectionPolicy policy, TimeSpan suspicion, TimeProvider clock)
{
    /// <summary>Beyond that many, what has passed is looked for and forgotten.</summary>
    private const int MostSuspects = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Now, int Most)> _inFlight = new(StringComparer.Ordinal);
    private readonly Dictionary<KeyPin, long> _lostAt = [];

    /// <summary>Requests that a replica works on.</summary>
    public int InFlight(string replicaId)
    {
        lock (_lock)
            return _inFlight.GetValueOrDefault(replicaId).Now;
    }

    /// <summary>The most that it worked on at once, since it last worked on none.</summary>
    public int MostInFlight(string replicaId)
    {
        lock (_lock)
            return _inFlight.GetValueOrDefault(replicaId).Most;
    }

    /// <summary>Chooses one of some replicas, at least one, and counts the request there until the result is disposed.</summary>
    public ReplicaLease Take(GenerationRequest request, IReadOnlyList<Replica> replicas)
    {
        lock (_lock)
        {
            var trusted = replicas.Where(replica => !IsSuspect(replica.HeadPin)).ToList();
            var candidates = (trusted.Count > 0 ? trusted : replicas)
                .Select(replica => new ReplicaCandidate(replica, _inFlight.GetValueOrDefault(replica.Id).Now)).ToList();
            var chosen = candidates[policy.Choose(request, candidates)].Replica;
            var (now, most) = _inFlight.GetValueOrDefault(chosen.Id);
            _inFlight[chosen.Id] = (now + 1, Math.Max(most, now + 1));
            return new ReplicaLease(chosen, () => Return(chosen.Id));
        }
    }

    /// <summary>Notes that a head was lost: others avoid it for a while.</summary>
    public void NoteLoss(KeyPin head)
    {
        lock (_lock)
        {
            _lostAt[head] = clock.GetTimestamp();
            if (_lostAt.Count <= MostSuspects)
                return;
            foreach (var known in _lostAt.Keys.ToList())
                if (!IsSuspect(known))
                    _lostAt.Remove(known);
        }
    }

    /// <summary>Notes that a head answered.</summary>
    public void NoteAnswer(KeyPin head)
    {
        lock (_lock)
            _lostAt.Remove(head);
    }

    private bool IsSuspect(KeyPin head) => _lostAt.TryGetValue(head, out var at) && clock.GetElapsedTime(at) < suspicion;

    private void Return(string replicaId)
    {
        lock (_lock)
        {
            var (now, most) = _inFlight[replicaId];
            if (now == 1)
                _inFlight.Remove(replicaId);
            else
                _inFlight[replicaId] = (now - 1, most);
        }
    }
}

/// <summary>A request's place on a replica.</summary>
internal sealed class ReplicaLease(Replica replica, Action giveBack) : IDisposable
{
    private Action? _giveBack = giveBack;

    public Replica Replica => replica;

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
