using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Node.Workers;

/// <summary>A worker's ways through gateways.</summary>
/// <param name="Gateways">All that are known, and where each is reached from this machine.</param>
/// <param name="Holding">The keys of those that its node has a control stream to: they can tell it of a call.</param>
sealed record WorkerWays(IReadOnlyList<KnownGateway> Gateways, IReadOnlyList<KeyPin> Holding)
{
    public static WorkerWays None { get; } = new([], []);
}
