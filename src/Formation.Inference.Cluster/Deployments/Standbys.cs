using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Workers that are kept ready for a lost one's place.</summary>
internal static class Standbys
{
    private static readonly HashSet<string> Nothing = [];

    /// <summary>A standby on a node.</summary>
    /// <param name="node">Which.</param>
    /// <param name="bytes">What the largest worker that it may have to replace takes.</param>
    public static WorkerAssignment On(string node, long bytes) => new(WorkerId.New(), node, WorkerRole.Standby, default, bytes);

    /// <summary>The standby that can take a worker's place, the furthest along first; null where there is none.</summary>
    public static WorkerAssignment? For(Deployment deployment, WorkerAssignment worker, ClusterView view) => deployment.Standbys
        .Where(standby => view.Find(standby.Node) is { TakesWork: true } node
            && worker.MemoryBytes <= view.FreeBytes(node, new HashSet<string>(StringComparer.Ordinal) { standby.Id }))
        .OrderByDescending(standby => view.ReportOf(standby)?.State == WorkerState.Ready)
        .ThenBy(standby => standby.Node, StringComparer.Ordinal)
        .FirstOrDefault();

    /// <summary>A standby with the work of a worker.</summary>
    public static WorkerAssignment InPlaceOf(WorkerAssignment worker, WorkerAssignment standby) =>
        standby with { Role = worker.Role, Layers = worker.Layers, MemoryBytes = worker.MemoryBytes, Rank = worker.Rank, Members = worker.Members };

    /// <summary>A deployment in which this one is no standby any more.</summary>
    public static Deployment Without(Deployment deployment, WorkerAssignment standby) =>
        deployment with { Standbys = [.. deployment.Standbys.Where(other => other.Id != standby.Id)] };

    /// <summary>Ends standbys that are lost, and finds others up to the number asked for.</summary>
    public static Deployment Keep(Deployment deployment, ClusterView view, WorkerFailures failures, ReconcilerOptions options, Action<string, string> note)
    {
        var kept = deployment.Standbys.Where(standby => IsGood(deployment, standby, view, failures, note)).ToList();
        deployment = deployment with { Standbys = kept };
        if (deployment.Replicas.Count == 0)
            return deployment;
        while (kept.Count < deployment.Spec.Placement.Spares)
        {
            var bytes = deployment.Replicas.SelectMany(replica => replica.Workers).Max(worker => worker.MemoryBytes);
            var node = Candidates(deployment, view).FirstOrDefault(
                offer => offer.Report.FreeMemoryBytes >= bytes && failures.Count(deployment.ModelId, offer.Report.Name, view.Now) < options.Restarts);
            if (node is null)
                return deployment.Waiting.Length > 0
                    ? deployment
                    : deployment with { Waiting = $"{deployment.Spec.Placement.Spares - kept.Count} of {deployment.Spec.Placement.Spares} standbys have no node with {Words.Size(bytes)} free." };
            note("standby", $"on {node.Report.Name}, with {Words.Size(bytes)}");
            kept.Add(On(node.Report.Name, bytes));
            deployment = deployment with { Standbys = [.. kept] };
        }
        return deployment;
    }

    private static bool IsGood(
        Deployment deployment, WorkerAssignment standby, ClusterView view, WorkerFailures failures, Action<string, string> note)
    {
        var node = view.Find(standby.Node);
        if (node is null or { State: NodeState.Lost or NodeState.Stopped } or { Record.IsDraining: true })
            return false;
        if (view.ReportOf(standby) is not { State: WorkerState.Failed } failed)
            return true;
        failures.Add(deployment.ModelId, standby.Node, view.Now);
        note("standby-failed", $"on {standby.Node}: {failed.Reason}");
        return false;
    }

    // The placement's own rules decide who may be one.
    private static IEnumerable<NodeOffer> Candidates(Deployment deployment, ClusterView view)
    {
        var used = deployment.Workers.Select(worker => worker.Node).ToHashSet(StringComparer.Ordinal);
        return OfferRules.Divide(view.Offers(Nothing, used), deployment.Spec.Placement).Usable
            .OrderByDescending(offer => OfferRules.DeviceOf(offer.Report).ReadBytesPerSecond)
            .ThenBy(offer => offer.Report.Name, StringComparer.Ordinal);
    }
}
