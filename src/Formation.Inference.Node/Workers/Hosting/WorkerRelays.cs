using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>A worker's ways through relays, with its own key: to those that it dials, and from those that want to reach it.</summary>
sealed class WorkerRelays : IDisposable
{
    private volatile IReadOnlyList<KnownGateway> _gateways;

    /// <param name="identity">The worker's key.</param>
    /// <param name="gateways">The gateways that relay.</param>
    /// <param name="clock">For time limits.</param>
    public WorkerRelays(NodeIdentity identity, IReadOnlyList<KnownGateway> gateways, TimeProvider clock)
    {
        _gateways = gateways;
        var dialer = new RelayDialer(identity, () => _gateways, clock);
        (Dialer, Door) = (dialer, new RelayDoor(dialer));
    }

    /// <summary>Reaches others.</summary>
    public IRelayDialer Dialer { get; }

    /// <summary>Lets others in.</summary>
    public RelayDoor Door { get; }

    /// <summary>Takes what a command says of relays.</summary>
    public void Follow(WorkerCommand command)
    {
        _gateways = command.Gateways;
        if (command.Call is { } call)
            Door.Answer(call);
    }

    public void Dispose() => Door.Dispose();
}
