using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>
/// Reads what a gateway says. A node trusts its gateway more than a gateway its nodes; what does not keep to the limits is left out all the
/// same, and never fatal.
/// </summary>
public static class GatewayMessages
{
    /// <summary>The peers of a list that are well formed.</summary>
    public static IReadOnlyList<NodePeer> Read(Peers message) =>
    [
        .. message.Peers_.Take(ControlLimits.Peers).Select(Read).OfType<NodePeer>(),
    ];

    /// <summary>The gateways of a list that are well formed.</summary>
    public static IReadOnlyList<KnownGateway> Gateways(IEnumerable<Gateway> told) =>
    [
        .. told.Take(ControlLimits.Gateways).Select(Read).OfType<KnownGateway>(),
    ];

    /// <summary>The orders of a list that are well formed.</summary>
    /// <param name="message">The list.</param>
    /// <param name="fault">Told what is wrong with one that is not.</param>
    public static IReadOnlyList<Workers.WorkerOrder> Orders(WorkerOrders message, Action<string> fault)
    {
        var orders = new List<Workers.WorkerOrder>();
        foreach (var wire in message.Workers.Take(ControlLimits.Workers))
        {
            if (WorkerOrderMapping.TryRead(wire, out var order, out var wrong))
                orders.Add(order);
            else
                fault(wrong);
        }
        return orders;
    }

    /// <summary>How often to let the gateway hear of this node, within reason.</summary>
    public static TimeSpan HeartbeatOf(Welcome message) => TimeSpan.FromMilliseconds(Math.Clamp(message.HeartbeatMilliseconds, 50, 60_000));

    /// <summary>After which silence of the gateway to take it for gone, within reason.</summary>
    public static TimeSpan LeaseOf(Welcome message) => TimeSpan.FromMilliseconds(Math.Clamp(message.LeaseMilliseconds, 200, 600_000));

    private static NodePeer? Read(Peer peer) =>
        NodeName.IsValid(peer.Name) && KeyPin.TryParse(peer.Pin, out var pin)
            ? new NodePeer(
                peer.Name, pin, [.. peer.Addresses.Take(ControlLimits.Addresses).Where(PeerAddress.IsValid)], peer.IsOnline)
            : null;

    private static KnownGateway? Read(Gateway gateway) =>
        KeyPin.TryParse(gateway.Pin, out var pin)
            ? new KnownGateway(pin, [.. gateway.Urls.Take(ControlLimits.GatewayUrls).Where(url => GatewayUrl.TryParse(url, out _))])
            : null;
}
