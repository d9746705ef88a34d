using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>Whom a stage lets in, as its newest order says. Safe to use from any thread.</summary>
sealed class TrustedKeys(WorkerOrder order)
{
    private volatile Keys _keys = new(order);

    /// <summary>Takes another order's keys in the place of those before.</summary>
    public void Follow(WorkerOrder order) => _keys = new Keys(order);

    /// <summary>Whether this peer may connect at all.</summary>
    public bool IsKnown(PeerIdentity peer) => peer.Pin is { } pin && (_keys.Callers.Contains(pin) || _keys.Heads.Contains(pin));

    /// <summary>Whether this peer may lead the stage.</summary>
    public bool IsHead(PeerIdentity peer) => peer.Pin is { } pin && _keys.Heads.Contains(pin);

    private sealed class Keys(WorkerOrder order)
    {
        public IReadOnlySet<KeyPin> Callers { get; } = order.Callers.ToHashSet();

        public IReadOnlySet<KeyPin> Heads { get; } = order.Heads.ToHashSet();
    }
}
