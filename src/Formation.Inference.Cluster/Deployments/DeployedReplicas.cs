using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>The replicas of deployments, as requests find them.</summary>
public sealed class DeployedReplicas(DeploymentController controller) : IReplicaDirectory
{
    public ReplicaSet? Find(string modelId)
    {
        // Read before the state, so that a change between the two is seen as one later, and never missed.
        var version = controller.Version;
        return controller.Find(modelId) is not { } deployment ? null : new ReplicaSet(version, [.. deployment.Replicas.Select(ReplicaOf).OfType<Replica>()])
        {
            NotReadyReason = ReasonOf(deployment),
            Progress = deployment.Replicas.Select(replica => replica.Progress).DefaultIfEmpty(0).Max(),
        };
    }

    public Task WaitForChangeAsync(string modelId, long version, CancellationToken cancellationToken) =>
        controller.WaitForChangeAsync(version, cancellationToken);

    private static Replica? ReplicaOf(ReplicaStatus replica) => replica.Head is { IsReachable: true, Report: { } report } head
        ? new Replica(replica.Assignment.Id, head.Assignment.Node, report.Pin!, report.Addresses) { IsReady = replica.IsReady, Region = head.Region }
        : null;

    private static string? ReasonOf(DeploymentStatus deployment)
    {
        if (deployment.IsReady)
            return null;
        if (deployment.Deployment.Waiting.Length > 0)
            return deployment.Deployment.Waiting.TrimEnd('.');
        var busy = deployment.Replicas.SelectMany(replica => replica.Workers).Count(worker => worker.Report?.State is not WorkerState.Ready);
        return busy == 0 ? "its head is not ready" : $"{busy} of its workers are not ready";
    }
}
