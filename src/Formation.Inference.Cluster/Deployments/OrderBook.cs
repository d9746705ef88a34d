using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Writes the orders that carry out what was decided.</summary>
internal static class OrderBook
{
    /// <summary>The orders of all nodes.</summary>
    /// <param name="deployments">What was decided.</param>
    /// <param name="view">Where the workers are by now, and which keys they have.</param>
    /// <param name="gateways">The keys of those that send requests.</param>
    public static ILookup<string, WorkerOrder> Write(IEnumerable<Deployment> deployments, ClusterView view, IReadOnlyList<KeyPin> gateways) =>
        deployments.SelectMany(deployment => Write(deployment, view, gateways)).ToLookup(order => order.Node, order => order.Order, StringComparer.Ordinal);

    private static IEnumerable<(string Node, WorkerOrder Order)> Write(Deployment deployment, ClusterView view, IReadOnlyList<KeyPin> gateways)
    {
        foreach (var replica in deployment.Replicas)
            foreach (var worker in replica.Workers)
                yield return (worker.Node, Write(deployment, replica, worker, view, gateways));
        foreach (var standby in deployment.Standbys)
            yield return (standby.Node, Blank(deployment, deployment.Replicas[0], standby));
    }

    private static WorkerOrder Write(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, ClusterView view, IReadOnlyList<KeyPin> gateways)
    {
        var order = Blank(deployment, replica, worker);
        return worker.Role == WorkerRole.Head
            ? order with { Callers = gateways, Chain = ChainOf(replica, worker, view) }
            : order with
            {
                Callers = Pins(replica.Workers.Where(other => other.Id != worker.Id), view),
                Heads = Pins(replica.Workers.Where(other => other.Role == WorkerRole.Head), view),
            };
    }

    // A stage follows one head at a time. A new head gets the stages when the old one is to let them go.
    private static IReadOnlyList<WorkerEndpoint> ChainOf(ReplicaAssignment replica, WorkerAssignment head, ClusterView view) =>
        replica.Head?.Id != head.Id ? [] :
        [
            .. replica.Workers
                .Where(worker => worker is { Role: WorkerRole.Stage or WorkerRole.Member, IsLeaving: false })
                .Select(worker => EndpointOf(worker, view)).OfType<WorkerEndpoint>()
                .OrderBy(endpoint => endpoint.Layers.First).ThenBy(endpoint => endpoint.Id, StringComparer.Ordinal),
        ];

    private static WorkerEndpoint? EndpointOf(WorkerAssignment worker, ClusterView view) =>
        view.ReportOf(worker) is { State: WorkerState.Ready, Pin: { } pin, Addresses: { Count: > 0 } addresses }
            ? new WorkerEndpoint(worker.Id, worker.Node, worker.Layers, pin, addresses) { Rank = worker.Rank }
            : null;

    private static IReadOnlyList<KeyPin> Pins(IEnumerable<WorkerAssignment> workers, ClusterView view) =>
        [.. workers.Select(worker => view.ReportOf(worker)?.Pin).OfType<KeyPin>().OrderBy(pin => pin.Text, StringComparer.Ordinal)];

    private static WorkerOrder Blank(Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker) => new()
    {
        Id = worker.Id,
        Replica = $"{deployment.ModelId}/{replica.Id}",
        ModelId = deployment.ModelId,
        ModelDigest = deployment.Model.Digest,
        ModelPath = deployment.Model.Path,
        Role = worker.Role,
        Layers = worker.Layers,
        MemoryBytes = worker.MemoryBytes,
        KvBlocks = replica.KvBlocks,
        KvBlockSize = deployment.Model.Shape.KvBlockSize,
        KvFormat = deployment.Spec.KvFormat,
        ContextLength = deployment.Spec.Placement.ContextLength,
        Sequences = replica.Sequences,
        PrefillTokens = deployment.Spec.Placement.MaxPrefillTokens,
        Precision = deployment.Spec.Placement.LinkPrecision,
        IsLeaving = worker.IsLeaving,
        Rank = worker.Rank,
        Members = worker.Members,
    };
}
