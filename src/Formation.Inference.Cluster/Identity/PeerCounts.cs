using System.Collections.Concurrent;

namespace Formation.Inference.Cluster.Identity;

/// <summary>How many connections or calls each peer has at once, so that none takes what all need. Safe to use from any thread.</summary>
public sealed class PeerCounts
{
    private readonly ConcurrentDictionary<KeyPin, int> _counts = new();

    /// <summary>Peers that have any.</summary>
    public int Peers => _counts.Count;

    /// <summary>Counts one more; <see cref="Leave"/> must follow, whatever the answer.</summary>
    /// <returns>How many the peer has now.</returns>
    public int Enter(KeyPin peer) => _counts.AddOrUpdate(peer, 1, (_, count) => count + 1);

    /// <summary>Counts one less.</summary>
    public void Leave(KeyPin peer)
    {
        // Removed only as 0: one that began in between has counted itself already.
        if (_counts.AddOrUpdate(peer, 0, (_, count) => count - 1) == 0)
            _counts.TryRemove(KeyValuePair.Create(peer, 0));
    }
}
