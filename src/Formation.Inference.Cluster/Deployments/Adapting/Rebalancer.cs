using System.Globalization;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>
/// Moves layers when that makes a replica clearly faster: nodes joined, left, or are slower or faster than when it was placed. A whole new plan is
/// weighed against the running one by the newest figures of both; what is better by little, or for a moment, moves nothing. Used by one thread.
/// </summary>
internal sealed class Rebalancer(Relocation relocation, AdaptOptions options)
{
    /// <summary>A single part's move is taken where a whole new plan would be faster by less than this: it moves fewer bytes.</summary>
    private const double WorthMovingAll = 1.05;

    /// <summary>How often to weigh while no figure changes.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Memory> _memories = new(StringComparer.Ordinal);

    private sealed class Memory
    {
        public DateTimeOffset? BetterSince { get; set; }

        public DateTimeOffset WeighedAt { get; set; }

        public string Figures { get; set; } = "";

        public bool HasSaidNoRoom { get; set; }
    }

    /// <summary>A plan that is weighed against a running replica.</summary>
    /// <param name="Replica">The running one.</param>
    /// <param name="Now">Its speed by the newest figures.</param>
    /// <param name="Plan">The other one.</param>
    /// <param name="Speed">That one's speed.</param>
    /// <param name="Part">Where one part alone moves: the one that goes, and its successor.</param>
    private sealed record Move(
        ReplicaAssignment Replica, double Now, ReplicaPlan Plan, double Speed, (WorkerAssignment Old, WorkerAssignment New)? Part = null)
    {
        public double Gain => (Speed / Now) - 1;
    }

    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        // Who pinned layers to nodes knows why; and nodes that share each layer are not moved one by one.
        if (deployment.Spec.Placement.Pins.Count > 0 || deployment.Replicas.Any(replica => replica.HasGroup))
            return deployment;
        if (!_memories.TryGetValue(deployment.ModelId, out var memory))
            _memories[deployment.ModelId] = memory = new Memory();
        if (!Adapter.IsSettled(deployment, view))
        {
            memory.BetterSince = null;
            return deployment;
        }
        var mayMove = deployment.Moved is not { } moved || view.Now - moved >= options.MovePause;
        var isDue = mayMove && !memory.HasSaidNoRoom && view.Now - memory.BetterSince >= options.MoveAfter;
        var figures = relocation.FiguresOf(deployment, view);
        if (!isDue && figures == memory.Figures && view.Now - memory.WeighedAt < LookInterval)
            return deployment;
        (memory.Figures, memory.WeighedAt) = (figures, view.Now);

        if (Best(deployment, view) is not { } best)
        {
            (memory.BetterSince, memory.HasSaidNoRoom) = (null, false);
            return deployment;
        }
        memory.BetterSince ??= view.Now;
        if (!mayMove || view.Now - memory.BetterSince < options.MoveAfter)
            return deployment;
        if (Feasible(deployment, best, view) is { } move)
        {
            memory.BetterSince = null;
            return Begin(deployment, move, view, note);
        }
        if (!memory.HasSaidNoRoom)
            note("not-moved", $"{Words.NodesOf(best.Replica)}: {Said(best, deployment)}, and there is no memory for the new parts beside the running ones");
        memory.HasSaidNoRoom = true;
        return deployment;
    }

    /// <summary>The replica that would gain most, were it placed now with its own memory free; null where none would gain enough.</summary>
    private Move? Best(Deployment deployment, ClusterView view)
    {
        Move? best = null;
        foreach (var replica in deployment.Replicas)
        {
            if (Speed(relocation.AsItIs(deployment, replica, view), deployment) is not { } now
                || Speed(relocation.Ideal(deployment, replica, view), deployment) is not { } then)
                continue;
            var move = new Move(replica, now.Speed, then.Plan, then.Speed);
            if (move.Gain >= options.MoveGain && move.Gain > (best?.Gain ?? 0))
                best = move;
        }
        return best;
    }

    /// <summary>How to get most of a gain with the memory that is free beside the running parts; null where that is too little.</summary>
    private Move? Feasible(Deployment deployment, Move best, ClusterView view)
    {
        var whole = Speed(relocation.Beside(deployment, best.Replica, new HashSet<string>(), view), deployment) is { } beside
            ? best with { Plan = beside.Plan, Speed = beside.Speed }
            : null;
        Move? part = null;
        foreach (var worker in best.Replica.Workers)
        {
            if (Speed(relocation.AroundAsOne(deployment, best.Replica, worker, new HashSet<string>(), view), deployment) is not { } around
                || Relocation.Missing(around.Plan, best.Replica, worker) is not [var successor]
                || successor.Layers != worker.Layers
                || deployment.Standbys.Any(standby => standby.Node == successor.Node)
                || around.Speed <= (part?.Speed ?? 0))
                continue;
            part = best with { Plan = around.Plan, Speed = around.Speed, Part = (worker, successor) };
        }
        var move = whole is null || part?.Speed * WorthMovingAll >= whole.Speed ? part : whole;
        return move?.Gain >= options.MoveGain ? move : null;
    }

    private Deployment Begin(Deployment deployment, Move move, ClusterView view, Action<string, string> note)
    {
        var successor = Relocation.ReplicaOf(move.Plan) with { Replaces = move.Replica.Id };
        var what = move.Part is { } part
            ? $"{Words.WithNode(part.Old)} to {part.New.Node}"
            : $"{Words.Of(move.Replica)} to {Words.Of(successor)}";
        var change = $"{what}: {Said(move, deployment)}{Because(deployment, move, view)}";
        note("moving", change);
        deployment = deployment with { Moved = view.Now, Change = change };
        return move.Part is { } single
            ? deployment.With(move.Replica.With(single.New with { Replaces = single.Old.Id }) with { Predicted = move.Plan.Speed })
            : deployment.With(successor);
    }

    private string Said(Move move, Deployment deployment) => string.Create(
        CultureInfo.InvariantCulture,
        $"predicted {Words.Rate(move.Speed)} tokens/s in place of {Words.Rate(move.Now)} {Kind(deployment)} for {Words.Time(options.MoveAfter)}");

    private string Because(Deployment deployment, Move move, ClusterView view)
    {
        var used = move.Replica.Workers.Select(worker => worker.Node).ToHashSet(StringComparer.Ordinal);
        var slow = used.Order(StringComparer.Ordinal).Select(node => relocation.PaceWords(deployment, node, view)).OfType<string>().ToList();
        if (slow.Count > 0)
            return $"; {string.Join(", ", slow)}";
        var promised = move.Replica.Predicted.Of(deployment.Spec.Placement.Goal);
        if (move.Now < 0.9 * promised)
            return $"; {Words.Rate(promised)} were predicted when it was placed";
        var others = move.Plan.Stages.Select(stage => stage.Nodes[0]).Where(node => !used.Contains(node)).ToList();
        return others.Count > 0 ? $"; there is room on {string.Join(", ", others)}" : "";
    }

    private static string Kind(Deployment deployment) =>
        deployment.Spec.Placement.Goal == PlacementGoal.OneStream ? "of one stream" : "of all streams";

    private static (ReplicaPlan Plan, double Speed)? Speed(PlacementResult result, Deployment deployment) =>
        result.Plan is { } plan ? (plan.Replicas[0], plan.Replicas[0].Speed.Of(deployment.Spec.Placement.Goal)) : null;
}
