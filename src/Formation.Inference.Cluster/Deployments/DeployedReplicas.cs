using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>The replicas of deployments, as requests find them.</summary>
/// <param name="controller">What is deployed.</param>
/// <param name="roundTripTo">The way from this gateway to the head with a key and back, zero where it is not known; or null where it is of none.</param>
public sealed class DeployedReplicas(DeploymentController controller, Func<KeyPin, TimeSpan>? roundTripTo = null) : IReplicaDirectory
{
    public bool IsDeployed(string modelId) => controller.IsDeployed(modelId);

    public ReplicaSet? Find(string modelId)
    {
        // Read before the state, so that a change between the two is seen as one later, and never missed.
        var version = controller.Version;
        return controller.Find(modelId) is not { } deployment ? null : new ReplicaSet(version, [.. ReplicasOf(deployment).Select(WithDistance)])
        {
            IsAsleep = deployment.Deployment.Asleep is not null,
            NotReadyReason = ReasonOf(deployment),
            Progress = deployment.Replicas.Select(replica => replica.Progress).DefaultIfEmpty(0).Max(),
        };
    }

    public void Wake(string modelId) => controller.Wake(modelId);

    public Task WaitForChangeAsync(string modelId, long version, CancellationToken cancellationToken) =>
        controller.WaitForChangeAsync(version, cancellationToken);

    private Replica WithDistance(Replica replica) => roundTripTo is null ? replica : replica with { RoundTrip = roundTripTo(replica.HeadPin) };

    // Those that are given up get requests only where there is no other one.
    internal static IEnumerable<Replica> ReplicasOf(DeploymentStatus deployment)
    {
        var areOthers = deployment.Replicas.Any(replica => replica.IsReady && replica.Assignment.Retiring is null);
        return deployment.Replicas.Select(replica => ReplicaOf(replica, areOthers && replica.Assignment.Retiring is not null)).OfType<Replica>();
    }

    private static Replica? ReplicaOf(ReplicaStatus replica, bool isSpared) => replica.Head is { IsReachable: true, Report: { } report } head
        ? new Replica(replica.Assignment.Id, head.Assignment.Node, report.Pin!, report.Addresses)
        {
            IsReady = replica.IsReady && !isSpared,
            Nodes = [.. replica.Workers.Select(worker => worker.Assignment.Node).Prepend(head.Assignment.Node).Distinct()],
            Region = head.Region,
        }
        : null;

    private static string? ReasonOf(DeploymentStatus deployment)
    {
        if (deployment.IsReady)
            return null;
        if (deployment.Deployment.Asleep is not null)
            return "nobody had asked for it for a while, and it is being loaded again";
        if (deployment.Deployment.Waiting.Length > 0)
            return deployment.Deployment.Waiting.TrimEnd('.');
        var busy = deployment.Replicas.SelectMany(replica => replica.Workers).Count(worker => worker.Report?.State is not WorkerState.Ready);
        return busy == 0 ? "its head is not ready" : $"{busy} of its workers are not ready";
    }
}
