using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// The peers that a node may speak with, as its gateway last told them. The list outlives the connection to the gateway: nodes that know each
/// other go on working while they look for another gateway. Safe to use from any thread.
/// </summary>
public sealed class PeerDirectory
{
    private volatile Snapshot _peers = new([], [], []);

    /// <summary>After each change, on the thread that brought it; handlers must not block.</summary>
    public event Action? Changed;

    /// <summary>All peers, ordered by name.</summary>
    public IReadOnlyList<NodePeer> All => _peers.List;

    /// <summary>The peer with this key, or null where it may not speak with this node.</summary>
    public NodePeer? Find(KeyPin pin) => _peers.ByPin.GetValueOrDefault(pin);

    /// <summary>The peer with this name, or null.</summary>
    public NodePeer? Find(string name) => _peers.ByName.GetValueOrDefault(name);

    /// <summary>Takes the place of the list before.</summary>
    public void Replace(IReadOnlyList<NodePeer> peers)
    {
        _peers = new Snapshot(
            [.. peers.OrderBy(peer => peer.Name, StringComparer.Ordinal)],
            peers.DistinctBy(peer => peer.Pin).ToDictionary(peer => peer.Pin),
            peers.DistinctBy(peer => peer.Name).ToDictionary(peer => peer.Name, StringComparer.Ordinal));
        Changed?.Invoke();
    }

    /// <summary>A check for connections that peers dial: known to this node, whichever they are.</summary>
    public PeerCheck CheckAny(TimeProvider clock) => new(pin => Find(pin) is null ? CertificateFault.Unknown : null, clock);

    private sealed record Snapshot(IReadOnlyList<NodePeer> List, Dictionary<KeyPin, NodePeer> ByPin, Dictionary<string, NodePeer> ByName);
}
