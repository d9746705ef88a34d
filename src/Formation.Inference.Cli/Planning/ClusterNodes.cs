using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Nodes;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Planning;

/// <summary>The nodes of the server that this user is signed in to.</summary>
static class ClusterNodes
{
    /// <summary>Asks the server.</summary>
    /// <param name="isAskedFor">Whether the server was named: otherwise one that does not answer, or not to this user, is as good as none.</param>
    /// <returns>Null where it has no nodes.</returns>
    /// <exception cref="CommandException">A server that was named does not answer.</exception>
    public static async Task<IReadOnlyList<NodeOffer>?> ReadAsync(ServerAddress address, bool isAskedFor, CancellationToken cancellationToken)
    {
        try
        {
            using var server = new ServerClient(address);
            var nodes = await new NodesClient(server).ListAsync(cancellationToken);
            return nodes.Count > 0 ? [.. nodes.Select(OfferOf)] : null;
        }
        catch (CommandException) when (!isAskedFor)
        {
            return null;
        }
    }

    private static NodeOffer OfferOf(NodeView node) => new(ReportOf(node))
    {
        IsTrusted = node.Trusted,
        Labels = NodeOffer.LabelsOf(node.Labels),
        IsConnected = node.State == "online",
        IsDraining = node.Draining,
    };

    private static NodeReport ReportOf(NodeView node) => NodeOffer.Silent(node.Name) with
    {
        Region = node.Region,
        Version = node.Version ?? "",
        MemoryBytes = node.MemoryBytes ?? 0,
        FreeMemoryBytes = node.FreeMemoryBytes ?? 0,
        Devices = [.. node.Devices.Select(device => new DeviceReport(
            device.Name, device.InstructionSet, device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond))],
        Links = [.. node.Links.Select(link => new DescribedLink(link.Peer, link.RoundTripMilliseconds, link.BytesPerSecond, link.Relayed).ToReport())],
    };
}
