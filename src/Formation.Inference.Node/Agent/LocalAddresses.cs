using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;

namespace Formation.Inference.Node.Agent;

/// <summary>Where others may reach this machine.</summary>
public static class LocalAddresses
{
    /// <summary>As many gateways as lead to a node are enough.</summary>
    private const int Relays = 4;

    /// <summary>The addresses of an endpoint that peers may dial, best first; of all that there may be, some are left for relays.</summary>
    /// <param name="endpoint">What is listened on.</param>
    /// <param name="gateway">A gateway on this very machine means that peers may be here too: then loopback comes first.</param>
    public static IReadOnlyList<string> Of(IPEndPoint endpoint, Uri gateway)
    {
        var addresses = IsEvery(endpoint.Address) ? OfThisMachine(endpoint.AddressFamily) : [endpoint.Address];
        if (IsEvery(endpoint.Address) && gateway.IsLoopback)
            addresses = [IPAddress.Loopback, .. addresses];
        return [.. addresses.Select(address => HostAndPort.Format(address.ToString(), endpoint.Port)).Distinct().Take(ControlLimits.Addresses - Relays)];
    }

    /// <summary>The addresses of this machine that are more than loopback and hold beyond one link, IPv4 first.</summary>
    /// <param name="family">IPv6 sockets that listen on all addresses are reached over IPv4, too; IPv4 ones are not over IPv6.</param>
    public static IReadOnlyList<IPAddress> OfThisMachine(AddressFamily family) =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork || family == AddressFamily.InterNetworkV6)
            .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !address.IsIPv6Multicast)
            .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1),
    ];

    private static bool IsEvery(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
