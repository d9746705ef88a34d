namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>
/// Lets replicas go without dropping a stream: one whose successor is ready hands its streams over, one that is not needed any more takes no new
/// requests and ends with its last stream.
/// </summary>
internal sealed class Retirement(FaultFinder faults, WorkerFailures failures, AdaptOptions options)
{
    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        foreach (var successor in deployment.Replicas.Where(replica => replica.Replaces is not null).ToList())
            deployment = TakeOver(deployment, successor, view, note);
        foreach (var replica in deployment.Replicas.Where(replica => replica.Retiring is not null).ToList())
            deployment = Leave(deployment, replica, view, note);
        return deployment;
    }

    private Deployment TakeOver(Deployment deployment, ReplicaAssignment successor, ClusterView view, Action<string, string> note)
    {
        if (deployment.Replicas.FirstOrDefault(replica => replica.Id == successor.Replaces) is not { Retiring: null } old)
            return deployment.With(successor with { Replaces = null });
        if (successor.Workers.FirstOrDefault(worker => FaultOf(worker, successor, view) is not null) is { } faulty)
        {
            // What fails wherever it is tried is not tried without end.
            failures.Add(deployment.ModelId, faulty.Node, view.Now);
            note("move-given-up", $"{Words.WithNode(faulty)} {FaultOf(faulty, successor, view)}; the replica stays on {Words.NodesOf(old)}");
            return deployment.Without(successor);
        }
        if (!Demand.IsReady(successor, view))
            return deployment;
        note("handing-over", $"the streams of the replica on {Words.NodesOf(old)} to the one on {Words.NodesOf(successor)}");
        return deployment.With(successor with { Replaces = null }).With(HandOver(old) with { Retiring = view.Now }) with { Moved = view.Now };
    }

    private Deployment Leave(Deployment deployment, ReplicaAssignment replica, ClusterView view, Action<string, string> note)
    {
        var others = deployment.Replicas.Any(other => other.Retiring is null && Demand.IsReady(other, view));
        if (IsOver(replica, others, view))
        {
            note("ended", $"the replica on {Words.NodesOf(replica)}: it has no stream any more");
            return deployment.Without(replica);
        }
        if (replica.Head is not { IsLeaving: false } || view.Now - replica.Retiring < options.LongestFarewell || !others)
            return deployment;
        note("handing-over", $"the last {Demand.RequestsOf(replica, view)} streams of the replica on {Words.NodesOf(replica)} to other replicas");
        return deployment.With(HandOver(replica));
    }

    // Where no other replica is ready, requests still come here. A head that leaves in order says so to its gateways, which go on with its streams elsewhere; it waits when it has let go of all of them.
    private bool IsOver(ReplicaAssignment replica, bool others, ClusterView view)
    {
        if (replica.Head is not { } head || faults.Of(head, replica, view) is not null)
            return true;
        if (view.ReportOf(head) is not { } report)
            return false;
        return head.IsLeaving
            ? report.State == Workers.WorkerState.Waiting
            : others && view.Now - replica.Retiring >= options.Farewell && report.Figures.RunningRequests == 0;
    }

    private string? FaultOf(WorkerAssignment worker, ReplicaAssignment replica, ClusterView view) =>
        view.Find(worker.Node) is { Record.IsDraining: true } ? "is on a node that is drained" : faults.Of(worker, replica, view)?.Reason;

    private static ReplicaAssignment HandOver(ReplicaAssignment replica) =>
        replica.Head is { } head ? replica.With(head with { IsLeaving = true }) : replica;
}
