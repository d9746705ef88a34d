using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>The nodes at one moment, and what deployments take of them.</summary>
/// <param name="nodes">All admitted nodes.</param>
/// <param name="assigned">Every worker of every deployment.</param>
/// <param name="now">The moment.</param>
public sealed class ClusterView(IReadOnlyList<NodeStatus> nodes, IEnumerable<WorkerAssignment> assigned, DateTimeOffset now)
{
    private readonly Dictionary<string, NodeStatus> _nodes = nodes.ToDictionary(node => node.Name, StringComparer.Ordinal);
    private readonly ILookup<string, WorkerAssignment> _assigned = assigned.ToLookup(worker => worker.Node, StringComparer.Ordinal);

    public DateTimeOffset Now { get; } = now;

    /// <summary>The node with this name, or null where it is not admitted (any more).</summary>
    public NodeStatus? Find(string node) => _nodes.GetValueOrDefault(node);

    /// <summary>What a worker's node says of it, or null.</summary>
    public WorkerReport? ReportOf(WorkerAssignment worker) =>
        Find(worker.Node) is { State: NodeState.Online } node ? node.Workers.GetValueOrDefault(worker.Id) : null;

    /// <summary>The nodes as placement weighs them.</summary>
    /// <param name="except">Workers whose memory counts as free: those that are placed anew, or stay where they are pinned.</param>
    /// <param name="without">Nodes that are not to be used.</param>
    public IReadOnlyList<NodeOffer> Offers(IReadOnlySet<string> except, IReadOnlySet<string> without) =>
        [.. nodes.Where(node => !without.Contains(node.Name)).Select(node => OfferOf(node, except))];

    /// <summary>Bytes of a node that no worker has, apart from the excepted ones.</summary>
    public long FreeBytes(NodeStatus node, IReadOnlySet<string> except) => Math.Max(
        0, (node.Report?.MemoryBytes ?? 0) - _assigned[node.Name].Where(worker => !except.Contains(worker.Id)).Sum(worker => worker.MemoryBytes));

    // What the node itself says is free lags behind what was just decided; what it gives to models is what counts.
    private NodeOffer OfferOf(NodeStatus node, IReadOnlySet<string> except)
    {
        var offer = NodeOffer.Of(node);
        return offer with { Report = offer.Report with { FreeMemoryBytes = FreeBytes(node, except) } };
    }
}
