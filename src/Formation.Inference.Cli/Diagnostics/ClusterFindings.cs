using System.Globalization;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Deployments;
using Formation.Inference.Cli.Nodes;

namespace Formation.Inference.Cli.Diagnostics;

/// <summary>Looks at the nodes and deployments of a server: who is missing, what differs, which ways are slow.</summary>
static class ClusterFindings
{
    /// <summary>A token waits for each way: beyond this, two machines of one place are better looked at.</summary>
    private const double SlowMilliseconds = 5;

    private const double SlowBytesPerSecond = 50e6;

    /// <summary>Asks the server. None where it has no nodes, does not answer, or not to this key: that is another finding's matter.</summary>
    public static async Task<IReadOnlyList<Finding>> OfServerAsync(ServerAddress address, CancellationToken cancellationToken)
    {
        try
        {
            using var server = new ServerClient(address);
            var nodes = await new NodesClient(server).ListAsync(cancellationToken);
            var deployments = nodes.Count > 0 ? await new DeploymentsClient(server).ListAsync(cancellationToken) : [];
            return [.. Of(nodes), .. deployments.Select(Of)];
        }
        catch (CommandException)
        {
            return [];
        }
    }

    /// <summary>What there is to say of nodes.</summary>
    internal static IEnumerable<Finding> Of(IReadOnlyList<NodeView> nodes)
    {
        var newest = nodes.Select(node => node.Version).OfType<string>().Max(StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            yield return OfNode(node, newest);
            foreach (var link in node.Links)
                if (OfLink(node, link, nodes) is { } slow)
                    yield return slow;
        }
    }

    /// <summary>What there is to say of a deployment.</summary>
    internal static Finding Of(DeploymentView deployment)
    {
        var name = $"deployment {deployment.Model}";
        var value = deployment.Reason.Length > 0 ? $"{deployment.State}: {deployment.Reason}" : deployment.State;
        return deployment.State switch
        {
            "ready" or "idle" => new Finding(name, FindingState.Good, value),
            "waiting" => new Finding(name, FindingState.Problem, value, "Add a node, give the nodes more memory, or deploy with a shorter --context."),
            _ => new Finding(name, FindingState.Advice, value, "'form status' shows its workers, and 'form status --events' what happened."),
        };
    }

    private static Finding OfNode(NodeView node, string? newest)
    {
        var name = $"node {node.Name}";
        if (node.State != "online")
            return new Finding(
                name, FindingState.Problem, $"{node.State}: {node.Reason}",
                $"Start it again there with 'form node join', or end its admission with 'form node remove {node.Name}'.");
        if (node.Version != newest)
            return new Finding(name, FindingState.Advice, $"online, version {node.Version}", $"Run version {newest} there as elsewhere.");
        return node.Draining
            ? new Finding(name, FindingState.Advice, "online, drained", $"'form node drain {node.Name} --undo' lets work go there again.")
            : new Finding(name, FindingState.Good, $"online, version {node.Version}");
    }

    private static Finding? OfLink(NodeView node, LinkView link, IReadOnlyList<NodeView> nodes)
    {
        var isSamePlace = nodes.FirstOrDefault(other => other.Name == link.Peer)?.Region == node.Region;
        if (!isSamePlace || (link.RoundTripMilliseconds <= SlowMilliseconds && link.BytesPerSecond >= SlowBytesPerSecond))
            return null;
        return new Finding(
            $"link {node.Name} to {link.Peer}", FindingState.Advice,
            string.Create(CultureInfo.InvariantCulture, $"{link.RoundTripMilliseconds:0.0} ms there and back, {link.BytesPerSecond / 1e6:0} MB/s"),
            "Slow for machines of one place: connect them by cable, or give them different regions.");
    }
}
