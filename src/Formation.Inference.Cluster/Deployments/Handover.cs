using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Ends workers that others take the place of: not before these are ready.</summary>
internal static class Handover
{
    public static Deployment Step(Deployment deployment, string replicaId, ClusterView view, Action<string, string> note)
    {
        var replica = deployment.Replica(replicaId);
        foreach (var successor in replica.Workers.Where(worker => worker.Replaces is not null).ToList())
        {
            if (replica.Workers.FirstOrDefault(worker => worker.Id == successor.Replaces) is not { } old)
            {
                replica = replica.With(successor with { Replaces = null });
            }
            else if (!old.IsLeaving && IsPrepared(successor, view))
            {
                note("handing-over", $"{Words.Of(old)} from {old.Node} to {successor.Node}");
                replica = replica.With(old with { IsLeaving = true });
            }
            else if (old.IsLeaving && HasTakenOver(replica, successor, old, view))
            {
                note("moved", $"{Words.Of(old)} from {old.Node} to {successor.Node}");
                replica = replica.Without(old).With(successor with { Replaces = null });
            }
        }
        return deployment.With(replica);
    }

    // Stages follow one head at a time, so a new head can do no more than wait until the old one lets them go.
    private static bool IsPrepared(WorkerAssignment successor, ClusterView view) => view.ReportOf(successor)?.State switch
    {
        WorkerState.Ready => true,
        WorkerState.Waiting => successor.Role == WorkerRole.Head,
        _ => false,
    };

    private static bool HasTakenOver(ReplicaAssignment replica, WorkerAssignment successor, WorkerAssignment old, ClusterView view)
    {
        if (successor.Role == WorkerRole.Head)
            return view.ReportOf(successor)?.State == WorkerState.Ready;
        var chain = replica.Head is { } head ? view.ReportOf(head)?.Chain : null;
        return chain is { Count: > 0 } && !chain.Contains(old.Id) && chain.Contains(successor.Id);
    }
}
