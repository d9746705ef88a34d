using Formation.Inference.Cluster.Nodes.Control;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// Who measures the way between two nodes: the one that will dial. That is the newcomer; but the other where that one alone can be dialled, because a
/// head there reaches the newcomer through a relay, which is the slower of the two ways.
/// </summary>
internal static class LinkProbing
{
    /// <summary>Asks for the ways between a node and the others.</summary>
    /// <param name="node">The newcomer; online.</param>
    /// <param name="others">Those that are online.</param>
    public static void Ask(LiveNode node, IReadOnlyList<LiveNode> others)
    {
        var dialled = others.Where(other => Measures(node, other)).Take(ControlLimits.ProbedPeers).ToList();
        if (dialled.Count > 0)
            node.Connection!.Send(ControlMessages.ProbeLinks(dialled.Select(other => other.Record.Name)));
        if (node.Report!.Addresses.Count == 0)
            return;
        foreach (var other in others.Where(other => !Measures(node, other)).Take(ControlLimits.ProbedPeers))
            other.Connection!.Send(ControlMessages.ProbeLinks([node.Record.Name]));
    }

    private static bool Measures(LiveNode newcomer, LiveNode other) =>
        other.Report!.Addresses.Count > 0 && (newcomer.Report!.Addresses.Count == 0 || IsDialled(newcomer) || !IsDialled(other));

    private static bool IsDialled(LiveNode node) => node.Report!.Addresses.Any(PeerAddress.IsDirect);
}
