using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>A deployment with what its nodes say of it.</summary>
/// <param name="Deployment">What was decided.</param>
/// <param name="Replicas">How far each replica is.</param>
/// <param name="Standbys">How far each standby is.</param>
public sealed record DeploymentStatus(Deployment Deployment, IReadOnlyList<ReplicaStatus> Replicas, IReadOnlyList<WorkerStatus> Standbys)
{
    /// <summary>Whether requests can be served.</summary>
    public bool IsReady => Replicas.Any(replica => replica.IsReady);

    public static DeploymentStatus Of(Deployment deployment, ClusterView view) => new(
        deployment,
        [.. deployment.Replicas.Select(replica => new ReplicaStatus(replica, [.. replica.Workers.Select(worker => WorkerStatus.Of(worker, view))]))],
        [.. deployment.Standbys.Select(standby => WorkerStatus.Of(standby, view))]);
}

/// <summary>A replica with what its nodes say of it.</summary>
/// <param name="Assignment">What was decided.</param>
/// <param name="Workers">How far each worker is, in the order of the layers.</param>
public sealed record ReplicaStatus(ReplicaAssignment Assignment, IReadOnlyList<WorkerStatus> Workers)
{
    /// <summary>The worker that leads it, or null.</summary>
    public WorkerStatus? Head => Workers.FirstOrDefault(worker => worker.Assignment.Id == Assignment.Head?.Id);

    /// <summary>Whether it takes requests.</summary>
    public bool IsReady => Head is { IsReachable: true, Report.State: WorkerState.Ready };

    /// <summary>The share of its workers' loading that is done, 0 to 1.</summary>
    public double Progress => Workers.Count == 0 ? 0 : Workers.Average(worker => worker.Report?.State switch
    {
        WorkerState.Ready or WorkerState.Waiting => 1,
        WorkerState.Loading => 0.5 + (worker.Report.Progress / 2),
        WorkerState.Starting => 0.5,
        WorkerState.Fetching => worker.Report.Progress / 2,
        _ => 0,
    });
}

/// <summary>A worker with what its node says of it.</summary>
/// <param name="Assignment">What was decided.</param>
/// <param name="Region">Where its node stands.</param>
/// <param name="NodeState">Whether its node is there; null where it is not admitted.</param>
/// <param name="Report">What the node says, or null where it has not spoken of it.</param>
public sealed record WorkerStatus(WorkerAssignment Assignment, string Region, NodeState? NodeState, WorkerReport? Report)
{
    /// <summary>Whether its node is online and it listens somewhere.</summary>
    public bool IsReachable => NodeState == Inference.NodeState.Online && Report is { Pin: not null, Addresses.Count: > 0 };

    internal static WorkerStatus Of(WorkerAssignment worker, ClusterView view)
    {
        var node = view.Find(worker.Node);
        return new WorkerStatus(worker, node?.Record.Region ?? "", node?.State, view.ReportOf(worker));
    }
}
