using Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>Makes the messages of the control stream.</summary>
public static class ControlMessages
{
    internal static GatewayMessage Welcome(NodeRegistryOptions options, IReadOnlyList<KnownGateway> gateways)
    {
        var welcome = new Welcome
        {
            HeartbeatMilliseconds = (int)options.Heartbeat.TotalMilliseconds,
            LeaseMilliseconds = (int)options.Lease.TotalMilliseconds,
        };
        welcome.Gateways.Add(gateways.Select(ToWire));
        return new GatewayMessage { Welcome = welcome };
    }

    internal static GatewayMessage Gateways(IReadOnlyList<KnownGateway> gateways) =>
        new() { Gateways = new GatewayList { Gateways = { gateways.Select(ToWire) } } };

    internal static GatewayMessage Peers(IReadOnlyList<NodePeer> peers)
    {
        var message = new Peers();
        foreach (var peer in peers.Take(ControlLimits.Peers))
            message.Peers_.Add(new Peer { Name = peer.Name, Pin = peer.Pin.Text, Addresses = { peer.Addresses }, IsOnline = peer.IsOnline });
        return new GatewayMessage { Peers = message };
    }

    internal static GatewayMessage Heartbeat() => new() { Heartbeat = new Heartbeat() };

    internal static GatewayMessage ProbeLinks(IEnumerable<string> peers) => new() { ProbeLinks = new ProbeLinks { Peers = { peers } } };

    internal static GatewayMessage Drain(bool isDraining) => new() { Drain = new Drain { IsDraining = isDraining } };

    internal static GatewayMessage Workers(WorkerOrders orders) => new() { Workers = orders };

    internal static GatewayMessage Removed(string reason) => new() { Removed = new Removed { Reason = reason } };

    internal static GatewayMessage CallBack(ReadOnlySpan<byte> ticket, string? worker) =>
        new() { CallBack = new CallBack { Ticket = Google.Protobuf.ByteString.CopyFrom(ticket), Worker = worker ?? "" } };

    private static Gateway ToWire(KnownGateway gateway) => new() { Pin = gateway.Pin.Text, Urls = { gateway.Urls } };

    /// <summary>Asks to be admitted.</summary>
    public static JoinRequest Join(string token, NodeReport report) =>
        new() { Protocol = ControlLimits.Protocol, Token = token, Report = ReportMapping.ToWire(report) };

    /// <summary>The first message of a control stream.</summary>
    public static NodeMessage Register(NodeReport report) =>
        new() { Register = new Register { Protocol = ControlLimits.Protocol, Report = ReportMapping.ToWire(report) } };

    /// <summary>What a node says of itself now.</summary>
    public static NodeMessage Report(Report report) => new() { Report = report };

    /// <summary>What a node says of its workers now.</summary>
    public static NodeMessage Workers(WorkerReports reports) => new() { Workers = reports };

    /// <summary>Says that the node lives.</summary>
    public static NodeMessage NodeHeartbeat() => new() { Heartbeat = new Heartbeat() };

    /// <summary>Says that the node stops on purpose.</summary>
    public static NodeMessage Goodbye(string reason) => new() { Goodbye = new Goodbye { Reason = reason } };
}
