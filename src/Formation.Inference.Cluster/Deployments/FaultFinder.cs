using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Tells which workers are lost: by what their nodes say, by what became of their nodes, and by what their head sees of them.</summary>
internal sealed class FaultFinder(ReconcilerOptions options, DateTimeOffset started)
{
    /// <summary>Why a worker needs another one in its place, or null.</summary>
    public WorkerFault? Of(WorkerAssignment worker, ReplicaAssignment replica, ClusterView view)
    {
        if (view.Find(worker.Node) is not { } node)
            return new WorkerFault("was removed", MayRestart: false);
        return node.State switch
        {
            NodeState.Online => OnLiveNode(worker, replica, view, node),
            NodeState.Stopped => new WorkerFault("was stopped", MayRestart: false),
            NodeState.Lost when IsHeardByHead(worker, replica, view) && view.Now - node.Since < options.UnheardStage => null,
            NodeState.Lost => new WorkerFault($"is lost ({node.Reason})", MayRestart: false),
            _ => view.Now - started < options.Return ? null : new WorkerFault("has not come back", MayRestart: false),
        };
    }

    private static WorkerFault? OnLiveNode(WorkerAssignment worker, ReplicaAssignment replica, ClusterView view, NodeStatus node)
    {
        if (view.ReportOf(worker) is { State: WorkerState.Failed } failed)
            return new WorkerFault($"failed: {failed.Reason}", MayRestart: !node.Record.IsDraining);
        return LossSeenByHead(worker, replica, view) is { } loss ? new WorkerFault($"can't be used by the head: {loss}", MayRestart: false) : null;
    }

    private static string? LossSeenByHead(WorkerAssignment worker, ReplicaAssignment replica, ClusterView view) =>
        HeadReport(replica, view)?.Lost.FirstOrDefault(lost => lost.Id == worker.Id)?.Reason;

    // The way to the gateway is cut and the one to the head is not: the streams go on, so it is worth a moment's patience.
    private static bool IsHeardByHead(WorkerAssignment worker, ReplicaAssignment replica, ClusterView view) =>
        HeadReport(replica, view) is { } head && head.Chain.Contains(worker.Id) && head.Lost.All(lost => lost.Id != worker.Id);

    private static WorkerReport? HeadReport(ReplicaAssignment replica, ClusterView view) => replica.Head is { } head ? view.ReportOf(head) : null;
}
