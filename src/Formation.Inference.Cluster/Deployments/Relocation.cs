using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Asks the placement policy for a whole deployment, and for what is missing of one.</summary>
internal sealed class Relocation(IPlacementPolicy policy)
{
    private static readonly HashSet<string> Nothing = [];

    /// <summary>All replicas and standbys.</summary>
    public PlacementResult Whole(Deployment deployment, ClusterView view) =>
        policy.Place(deployment.Model.Shape, deployment.Spec.Placement, view.Offers(Ids(deployment.Workers), Nothing));

    /// <summary>A place for one worker's layers, all others of its replica staying where they are.</summary>
    public PlacementResult Around(Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, ClusterView view)
    {
        var stay = replica.Workers.Where(other => other.Id != worker.Id && other.Replaces is null && !other.IsLeaving).ToList();
        var request = Single(deployment, replica) with { Pins = [.. stay.Select(other => new NodePin(other.Node, other.Layers))] };
        return policy.Place(deployment.Model.Shape, request, view.Offers(Ids(stay.Append(worker)), Taken(deployment, replica, [worker.Node])));
    }

    /// <summary>Places for a replica as if it had none.</summary>
    public PlacementResult Anew(Deployment deployment, ReplicaAssignment replica, ClusterView view) => policy.Place(
        deployment.Model.Shape, Single(deployment, replica) with { Pins = deployment.Spec.Placement.Pins },
        view.Offers(Ids(replica.Workers.Concat(deployment.Standbys)), Taken(deployment, replica, [])));

    /// <summary>Places for one replica more, on nodes that have no part of the deployment.</summary>
    public PlacementResult Another(Deployment deployment, ClusterView view) => policy.Place(
        deployment.Model.Shape, Single(deployment, deployment.Replicas[0]) with { Stages = deployment.Spec.Placement.Stages },
        view.Offers(Nothing, deployment.Workers.Select(worker => worker.Node).ToHashSet(StringComparer.Ordinal)));

    /// <summary>A replica as planned, its workers new.</summary>
    public static ReplicaAssignment ReplicaOf(ReplicaPlan plan) => new(
        WorkerId.New(), plan.Sequences, plan.KvBlocks, plan.Speed,
        [.. plan.Stages.Select((stage, i) => WorkerOf(stage, i == 0 ? WorkerRole.Head : WorkerRole.Stage))]);

    /// <summary>Workers for the stages of a plan that nobody has but the one that is lost.</summary>
    public static IReadOnlyList<WorkerAssignment> Missing(ReplicaPlan plan, ReplicaAssignment replica, WorkerAssignment lost) =>
    [
        .. plan.Stages.Select((stage, i) => (stage, i))
            .Where(place => place.stage.Layers.First >= lost.Layers.First && place.stage.Layers.End <= lost.Layers.End)
            .Select(place => WorkerOf(place.stage, place.i == 0 ? WorkerRole.Head : WorkerRole.Stage)),
    ];

    private static WorkerAssignment WorkerOf(StagePlan stage, WorkerRole role) =>
        new(WorkerId.New(), stage.Nodes[0], role, stage.Layers, stage.Memory.Total);

    // The deployment's promise is that of all replicas together.
    private static PlacementRequest Single(Deployment deployment, ReplicaAssignment replica) => deployment.Spec.Placement with
    {
        Replicas = 1,
        Concurrency = replica.Sequences,
        Spares = 0,
        Stages = null,
        Pins = [],
    };

    // A node has one worker of a deployment: what it loses is then one stage and not two.
    private static HashSet<string> Taken(Deployment deployment, ReplicaAssignment replica, IEnumerable<string> lost) =>
    [
        .. deployment.Replicas.Where(other => other.Id != replica.Id).SelectMany(other => other.Workers).Select(worker => worker.Node),
        .. replica.Workers.Where(worker => worker.Replaces is not null).Select(worker => worker.Node),
        .. lost,
    ];

    private static HashSet<string> Ids(IEnumerable<WorkerAssignment> workers) => [.. workers.Select(worker => worker.Id)];
}
