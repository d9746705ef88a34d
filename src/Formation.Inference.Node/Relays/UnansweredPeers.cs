using System.Collections.Concurrent;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Relays;

/// <summary>
/// Those that could not be dialled lately and were reached through a relay: their own addresses are not worth another wait for a while. A node
/// behind a router names addresses that mean nothing elsewhere. Safe to use from any thread.
/// </summary>
/// <param name="clock">The clock.</param>
public sealed class UnansweredPeers(TimeProvider clock)
{
    private const int MostPeers = 4096;
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<KeyPin, long> _peers = new();

    /// <summary>Whether to go through a relay at once.</summary>
    public bool Contains(KeyPin peer) => _peers.TryGetValue(peer, out var since) && clock.GetElapsedTime(since) < Memory;

    /// <summary>Notes that none of a peer's own addresses answered, and the relay did.</summary>
    public void Add(KeyPin peer)
    {
        if (_peers.Count >= MostPeers)
            _peers.Clear();
        _peers[peer] = clock.GetTimestamp();
    }
}
