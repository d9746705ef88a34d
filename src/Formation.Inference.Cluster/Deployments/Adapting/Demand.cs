using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>What heads say of the requests that they have, whichever gateway sent them.</summary>
/// <param name="Requests">That they work on, those included that wait for a slot.</param>
/// <param name="Slots">Sequences that they run at once.</param>
internal readonly record struct Demand(int Requests, int Slots)
{
    private const int MostRequests = 1 << 16;

    /// <summary>The share of the slots that is asked for; above 1 where requests wait.</summary>
    public double Share => Slots == 0 ? 0 : Requests / (double)Slots;

    public static Demand Of(IEnumerable<ReplicaAssignment> replicas, ClusterView view) => replicas.Aggregate(
        default(Demand), (sum, replica) => new Demand(sum.Requests + RequestsOf(replica, view), sum.Slots + replica.Sequences));

    /// <summary>Requests of one replica; a head that claims more than any can have is not believed further than that.</summary>
    public static int RequestsOf(ReplicaAssignment replica, ClusterView view) => Math.Min(MostRequests, FiguresOf(replica, view).RunningRequests);

    /// <summary>What a replica's head measured; zeros where it says nothing.</summary>
    public static HeadFigures FiguresOf(ReplicaAssignment replica, ClusterView view) =>
        replica.Head is { } head && view.ReportOf(head) is { } report ? report.Figures : default;

    /// <summary>Whether a replica takes requests, as far as its head says.</summary>
    public static bool IsReady(ReplicaAssignment replica, ClusterView view) =>
        replica.Head is { } head && view.ReportOf(head) is { State: WorkerState.Ready };
}
