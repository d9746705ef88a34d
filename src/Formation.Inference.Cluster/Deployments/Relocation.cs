using System.Globalization;
using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Placement.Search;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Asks the placement policy for a whole deployment, and for what is missing of one.</summary>
internal sealed class Relocation(IPlacementPolicy policy)
{
    private static readonly HashSet<string> Nothing = [];

    /// <summary>How fast nodes have shown to be: all plans are made with that.</summary>
    public NodePaces Paces { get; } = new();

    /// <summary>All replicas and standbys.</summary>
    public PlacementResult Whole(Deployment deployment, ClusterView view) =>
        Place(deployment, deployment.Spec.Placement, Ids(deployment.Workers), Nothing, view);

    /// <summary>
    /// Places for one worker's layers, on as many nodes as is fastest, all others of its replica staying where they are, for now also those that are
    /// lost or to leave their nodes themselves: each has its own turn.
    /// </summary>
    /// <param name="deployment">Of which deployment.</param>
    /// <param name="replica">Of which replica.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="without">Nodes that are not to get it.</param>
    /// <param name="view">The nodes.</param>
    public PlacementResult Around(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, IReadOnlySet<string> without, ClusterView view) =>
        Around(deployment, replica, worker, Staying(replica, worker), null, without, view);

    /// <summary>
    /// <see cref="Around(Deployment, ReplicaAssignment, WorkerAssignment, IReadOnlySet{string}, ClusterView)"/> with all of the worker's layers on one
    /// node, also where two would be faster: one machine can take over from one, and in a handover to several there would be a moment in which nobody has
    /// all of it.
    /// </summary>
    /// <param name="deployment">Of which deployment.</param>
    /// <param name="replica">Of which replica.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="without">Nodes that are not to get it.</param>
    /// <param name="view">The nodes.</param>
    public PlacementResult AroundAsOne(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, IReadOnlySet<string> without, ClusterView view)
    {
        var stay = Staying(replica, worker);
        return Around(deployment, replica, worker, stay, stay.Count + 1, without, view);
    }

    private PlacementResult Around(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, List<WorkerAssignment> stay, int? stages, IReadOnlySet<string> without,
        ClusterView view)
    {
        var request = Single(deployment, replica) with { Stages = stages, Pins = [.. stay.Select(other => new NodePin(other.Node, other.Layers))] };
        var avoided = without.Except(stay.Select(other => other.Node)).Append(worker.Node);
        var kept = stay.Select(other => other.Node).ToHashSet(StringComparer.Ordinal);
        return Place(deployment, request, Keeping(kept, view.Offers(Ids(stay.Append(worker)), Taken(deployment, replica, avoided))), view);
    }

    private static List<WorkerAssignment> Staying(ReplicaAssignment replica, WorkerAssignment worker) =>
        [.. replica.Workers.Where(other => other.Id != worker.Id && other.Replaces is null && !other.IsLeaving)];

    /// <summary>
    /// Another node for one worker of a replica of which some share each layer, or null where none has room and, for one of those, is near enough to
    /// the others.
    /// </summary>
    public WorkerAssignment? ForMember(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, IReadOnlySet<string> without, ClusterView view)
    {
        var (offers, near) = OffersForMember(deployment, replica, worker, without, view);
        var found = GroupPlaces.Another(offers, near, worker.MemoryBytes, deployment.Spec.Placement);
        return found is null ? null : worker with { Id = WorkerId.New(), Node = found, Replaces = null, IsLeaving = false };
    }

    /// <summary>
    /// Nodes that came since a moment and could take the place of one of those that share each layer, as soon as the ways from there to the others are
    /// measured.
    /// </summary>
    public IReadOnlyList<string> MembersToMeasure(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, IReadOnlySet<string> without, ClusterView view, DateTimeOffset since)
    {
        var (offers, near) = OffersForMember(deployment, replica, worker, without, view);
        return [.. GroupPlaces.NotMeasured(offers, near, worker.MemoryBytes, deployment.Spec.Placement).Where(name => view.Find(name)?.Since > since)];
    }

    /// <summary>There is none: the workers of a replica with a group are placed one by one or all anew.</summary>
    public static PlacementResult NoMember(WorkerAssignment worker) => new()
    {
        Policy = "group",
        Reasons = [worker.Members > 1
            ? $"no other node is near enough to the others, with room for {Words.Of(worker)}"
            : $"no other node has room for {Words.Of(worker)}"],
    };

    /// <summary>Places for a replica as if it had none, in as many stages as the operator wants where that can be.</summary>
    public PlacementResult Anew(Deployment deployment, ReplicaAssignment replica, IReadOnlySet<string> without, ClusterView view)
    {
        var asked = AsAsked(deployment, replica) with { Pins = deployment.Spec.Placement.Pins };
        var result = Of(asked);
        return result.Plan is null && asked.Stages is not null ? Of(asked with { Stages = null }) : result;

        PlacementResult Of(PlacementRequest request) =>
            Place(deployment, request, Ids(replica.Workers.Concat(deployment.Standbys)), Taken(deployment, replica, without), view);
    }

    /// <summary>A replica where it is, for its speed by the newest figures.</summary>
    public PlacementResult AsItIs(Deployment deployment, ReplicaAssignment replica, ClusterView view) => Place(
        deployment, Single(deployment, replica) with { Pins = [.. replica.Workers.Select(worker => new NodePin(worker.Node, worker.Layers))] },
        Ids(replica.Workers), Taken(deployment, replica, []), view);

    /// <summary>The best places for a replica as if it had none, its standbys apart.</summary>
    public PlacementResult Ideal(Deployment deployment, ReplicaAssignment replica, ClusterView view) => Place(
        deployment, AsAsked(deployment, replica), Ids(replica.Workers), Taken(deployment, replica, deployment.Standbys.Select(standby => standby.Node)), view);

    /// <summary>The best places for a replica in the memory that is free while it is where it is.</summary>
    /// <param name="deployment">Of which deployment.</param>
    /// <param name="replica">Which.</param>
    /// <param name="without">Nodes that are not to get any of it.</param>
    /// <param name="view">The nodes.</param>
    public PlacementResult Beside(Deployment deployment, ReplicaAssignment replica, IReadOnlySet<string> without, ClusterView view) => Place(
        deployment, AsAsked(deployment, replica), Nothing,
        Taken(deployment, replica, deployment.Standbys.Select(standby => standby.Node).Concat(without)), view);

    /// <summary>Places for one replica more, on nodes that have no part of the deployment.</summary>
    public PlacementResult Another(Deployment deployment, ClusterView view) => Place(
        deployment, AsAsked(deployment, deployment.Replicas[0]), Nothing,
        deployment.Workers.Select(worker => worker.Node).ToHashSet(StringComparer.Ordinal), view);

    /// <summary>All that a plan depends on, coarsely: where it is the same text, the plans are the same.</summary>
    public string FiguresOf(Deployment deployment, ClusterView view) => string.Join('|', view.Offers(Nothing, Nothing).Select(offer =>
    {
        var report = offer.Report;
        var pace = report.Devices.Count > 0 ? Paces.Of(deployment.ModelId, report, view.Now) : 1;
        var devices = report.Devices.Select(device => $"{Coarse(device.ReadBytesPerSecond * pace)},{Coarse(device.MultiplyAddsPerSecond * pace)}");
        var links = report.Links.Select(link => $"{link.Peer},{Coarse(link.RoundTrip.TotalSeconds)},{Coarse(link.BytesPerSecond)}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Name} {offer.IsConnected} {offer.IsDraining} {report.FreeMemoryBytes >> 20} {string.Join(';', devices)} {string.Join(';', links)}");
    }));

    /// <summary>Why a node is slower than expected, in words, or null where it is not.</summary>
    public string? PaceWords(Deployment deployment, string node, ClusterView view) => Paces.Said(deployment.ModelId, view.Find(node), view.Now);

    /// <summary>A replica as planned, its workers new.</summary>
    public static ReplicaAssignment ReplicaOf(ReplicaPlan plan) => new(
        WorkerId.New(), plan.Sequences, plan.KvBlocks, plan.Speed,
        [.. plan.Stages.SelectMany((stage, i) => WorkersOf(stage, i == 0 ? WorkerRole.Head : WorkerRole.Stage))]);

    /// <summary>Workers for the stages of a plan that nobody has but the one that is lost.</summary>
    public static IReadOnlyList<WorkerAssignment> Missing(ReplicaPlan plan, ReplicaAssignment replica, WorkerAssignment lost) =>
    [
        .. plan.Stages.Select((stage, i) => (stage, i))
            .Where(place => place.stage.Layers.First >= lost.Layers.First && place.stage.Layers.End <= lost.Layers.End)
            .Select(place => WorkerOf(place.stage, place.i == 0 ? WorkerRole.Head : WorkerRole.Stage)),
    ];

    // Of machines that share a stage the first one leads.
    private static IEnumerable<WorkerAssignment> WorkersOf(StagePlan stage, WorkerRole role) => stage.Nodes.Select((node, rank) =>
        WorkerOf(stage, rank == 0 ? role : WorkerRole.Member) with { Node = node, Rank = rank, Members = stage.Nodes.Count });

    private static WorkerAssignment WorkerOf(StagePlan stage, WorkerRole role) =>
        new(WorkerId.New(), stage.Nodes[0], role, stage.Layers, stage.Memory.Total);

    private PlacementResult Place(
        Deployment deployment, PlacementRequest request, IReadOnlySet<string> except, IReadOnlySet<string> without, ClusterView view) =>
        Place(deployment, request, view.Offers(except, without), view);

    private PlacementResult Place(Deployment deployment, PlacementRequest request, IReadOnlyList<NodeOffer> offers, ClusterView view) =>
        policy.Place(deployment.Model.Shape, request, Paces.Correct(deployment.ModelId, offers, view.Now));

    // Steps of a seventh: what is measured again is never quite the same.
    private static int Coarse(double value) => value > 0 ? (int)Math.Round(5 * Math.Log2(value)) : 0;

    private static PlacementRequest AsAsked(Deployment deployment, ReplicaAssignment replica) =>
        Single(deployment, replica) with { Stages = deployment.Spec.Placement.Stages };

    // The deployment's promise is that of all replicas together.
    private static PlacementRequest Single(Deployment deployment, ReplicaAssignment replica) => deployment.Spec.Placement with
    {
        Replicas = 1,
        Concurrency = replica.Sequences,
        Spares = 0,
        Stages = null,
        Pins = [],
    };

    private static (IReadOnlyList<NodeOffer> Offers, HashSet<string> Near) OffersForMember(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, IReadOnlySet<string> without, ClusterView view)
    {
        var others = replica.Workers.Where(other => other.Id != worker.Id).ToList();
        // Layers behind a group's are computed wherever there is room.
        var near = others.Where(other => worker.Members > 1 && other is { Members: > 1, Replaces: null }).Select(other => other.Node).ToHashSet(StringComparer.Ordinal);
        var offers = view.Offers(Ids([worker]), Taken(deployment, replica, [worker.Node, .. others.Select(other => other.Node).Concat(without).Except(near)]));
        return (Keeping(near, offers), near);
    }

    // What stays where it is may be placed around, whatever its node will do next.
    private static IReadOnlyList<NodeOffer> Keeping(HashSet<string> kept, IReadOnlyList<NodeOffer> offers) =>
        [.. offers.Select(offer => kept.Contains(offer.Report.Name) ? offer with { IsConnected = true, IsDraining = false } : offer)];

    // A node has one worker of a deployment: what it loses is then one stage and not two.
    private static HashSet<string> Taken(Deployment deployment, ReplicaAssignment replica, IEnumerable<string> lost) =>
    [
        .. deployment.Replicas.Where(other => other.Id != replica.Id).SelectMany(other => other.Workers).Select(worker => worker.Node),
        .. replica.Workers.Where(worker => worker.Replaces is not null).Select(worker => worker.Node),
        .. lost,
    ];

    private static HashSet<string> Ids(IEnumerable<WorkerAssignment> workers) => [.. workers.Select(worker => worker.Id)];
}
