using System.Net;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Nodes.Control;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>The registry as the gateway's administration sees it.</summary>
/// <param name="registry">The nodes.</param>
/// <param name="decisions">What was decided about deployments, here or by another gateway.</param>
/// <param name="gateways">The gateways that share them.</param>
/// <param name="listener">Where the control plane listens.</param>
public sealed class NodeDirectory(NodeRegistry registry, DecisionLog decisions, GatewayDirectory gateways, ControlEndpoint listener) : INodeDirectory
{
    public IReadOnlyList<NodeDescription> List() => [.. registry.List().Select(Describe)];

    public NodeDescription? Find(string name) => registry.Find(name) is { } node ? Describe(node) : null;

    public IReadOnlyList<NodeEvent> Events(string? name, int limit) =>
        [.. decisions.Newest(name, limit).Concat(registry.Log.Newest(name, limit)).OrderBy(entry => entry.Time).TakeLast(limit)];

    public NodeDescription? SetDraining(string name, bool isDraining) => registry.SetDraining(name, isDraining) ? Find(name) : null;

    public bool Remove(string name) => registry.Remove(name);

    public NodeInvitation Invite(NodeInvitationTerms terms)
    {
        var (token, expires) = registry.Invite(new AdmissionTerms(terms.Region, terms.Labels, terms.IsTrusted), terms.Lifetime);
        return new NodeInvitation(token.Text, listener.UrlFor(terms.ReachedAs), expires, listener.IsReachableFromOutside);
    }

    public IReadOnlyList<GatewayDescription> Gateways() => gateways.List();

    private static NodeDescription Describe(NodeStatus node) => new(
        node.Name,
        node.Record.Pin.Text,
        node.State,
        node.Reason,
        node.Since,
        node.Record.Region,
        node.Record.Labels,
        node.Record.IsTrusted,
        node.Record.IsDraining,
        node.Record.Joined,
        node.LastSeen,
        node.Report is { } report ? Describe(report) : null);

    private static NodeSelfDescription Describe(NodeReport report) => new(
        report.Version,
        [
            .. report.Devices.Select(device => new NodeDevice(
                device.Name, device.InstructionSet, device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond)),
        ],
        report.MemoryBytes,
        report.FreeMemoryBytes,
        report.Addresses,
        [.. report.Links.Select(link => new NodeLink(link.Peer, link.RoundTrip, link.BytesPerSecond, link.IsRelayed))]);
}

/// <summary>Where a gateway listens for nodes.</summary>
/// <param name="Address">The address that it is bound to.</param>
/// <param name="Port">The port, as it turned out.</param>
/// <param name="MachineAddresses">The addresses of this machine that others may reach, best first: used where it is bound to all.</param>
public sealed record ControlEndpoint(IPAddress Address, int Port, IReadOnlyList<IPAddress> MachineAddresses)
{
    public bool IsReachableFromOutside => !IPAddress.IsLoopback(Address);

    /// <summary>The URLs under which other machines may reach it, best first.</summary>
    public IReadOnlyList<string> Urls() =>
        [.. (IsEveryAddress ? MachineAddresses : [Address]).Take(ControlLimits.GatewayUrls).Select(address => $"https://{HostAndPort.Format(address.ToString(), Port)}")];

    private bool IsEveryAddress => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>The URL to give to a node.</summary>
    /// <param name="reachedAs">The host name under which an operator reached this gateway, or null. It serves nodes as well where it is not a name for one's own machine.</param>
    public Uri UrlFor(string? reachedAs)
    {
        var host = IsEveryAddress && reachedAs is { Length: > 0 } && !IsLoopbackName(reachedAs) ? reachedAs : BestAddress().ToString();
        return new Uri($"https://{HostAndPort.Format(host, Port)}");
    }

    private IPAddress BestAddress() => IsEveryAddress ? MachineAddresses.FirstOrDefault() ?? IPAddress.Loopback : Address;

    private static bool IsLoopbackName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
