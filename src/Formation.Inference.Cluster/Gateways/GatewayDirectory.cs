using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>The gateways of a network as its administration sees them.</summary>
/// <param name="registry">Knows this gateway, the first of those that it tells nodes of.</param>
/// <param name="store">All of them, or null where there is this one only.</param>
/// <param name="leadership">Which one decides.</param>
/// <param name="clock">The clock.</param>
public sealed class GatewayDirectory(NodeRegistry registry, GatewayStore? store, ILeadership leadership, TimeProvider clock)
{
    /// <summary>All of them, ordered by their keys.</summary>
    /// <exception cref="Storage.StorageException">The database does not answer.</exception>
    public IReadOnlyList<GatewayDescription> List()
    {
        var own = registry.Gateways[0];
        var seen = store?.List(GatewayStore.ForgottenAfter) ?? [new SeenGateway(own, clock.GetUtcNow())];
        return [.. seen.Select(gateway => Describe(gateway, own.Pin))];
    }

    private GatewayDescription Describe(SeenGateway seen, KeyPin own) =>
        new(seen.Gateway.Pin.Text, seen.Gateway.Urls, seen.LastSeen, seen.Gateway.Pin == own, seen.Gateway.Pin == leadership.Leader);
}
