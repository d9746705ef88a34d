using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>What demand and speed change of a deployment that is as it should be otherwise. Used by one thread.</summary>
internal sealed class Adapter(Relocation relocation, AdaptOptions options)
{
    private readonly ReplicaScaler _scaler = new(relocation, options);
    private readonly IdleWatch _idle = new();
    private readonly Rebalancer _rebalancer = new(relocation, options);

    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        if (deployment.Replicas.Count == 0)
            return deployment;
        relocation.Paces.Learn(deployment, view);
        if (deployment.Change is not null && IsSettled(deployment, view))
            deployment = deployment with { Change = null };
        deployment = _idle.Step(deployment, view, note);
        if (deployment.Asleep is not null)
            return deployment;
        deployment = _scaler.Step(deployment, view, note);
        return _rebalancer.Step(deployment, view, note);
    }

    /// <summary>Whether nothing of a deployment is coming, going or missing.</summary>
    internal static bool IsSettled(Deployment deployment, ClusterView view) =>
        deployment.Waiting.Length == 0
        && deployment.Replicas.All(replica => replica is { Retiring: null, Replaces: null }
            && replica.Workers.All(worker => worker is { Replaces: null, IsLeaving: false } && view.ReportOf(worker) is { State: WorkerState.Ready }));
}
