namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>
/// Puts deployments to sleep that nobody asks anything for as long as their operator said: workers end, weights stay on the nodes' disks. Heads count
/// requests, so those of all gateways count. Used by one thread.
/// </summary>
internal sealed class IdleWatch
{
    private readonly Dictionary<string, (long Begun, DateTimeOffset Since)> _idle = new(StringComparer.Ordinal);

    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        if (deployment.Spec.IdleAfter <= TimeSpan.Zero)
            return deployment;
        // A number that changes with each request; what nodes claim may be so large that the sum goes round.
        var begun = deployment.Replicas.Aggregate(0L, (sum, replica) => unchecked(sum + Demand.FiguresOf(replica, view).RequestsBegun));
        var isQuiet = deployment.Replicas.All(replica => Demand.IsReady(replica, view) && Demand.RequestsOf(replica, view) == 0);
        if (!isQuiet || !_idle.TryGetValue(deployment.ModelId, out var idle) || idle.Begun != begun)
        {
            _idle[deployment.ModelId] = (begun, view.Now);
            return deployment;
        }
        if (view.Now - idle.Since < deployment.Spec.IdleAfter)
            return deployment;
        _idle.Remove(deployment.ModelId);
        note("idle", $"no request for {Words.Time(deployment.Spec.IdleAfter)}: its workers end, its weights stay on the nodes' disks, and the next request wakes it");
        return deployment with { Replicas = [], Standbys = [], Asleep = view.Now, Change = null };
    }
}
