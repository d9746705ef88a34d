using System.Globalization;

namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>Moves the number of replicas between its bounds with the demand, slowly enough that a moment's demand moves nothing. Used by one thread.</summary>
internal sealed class ReplicaScaler(Relocation relocation, AdaptOptions options)
{
    private readonly Dictionary<string, Memory> _memories = new(StringComparer.Ordinal);

    private sealed class Memory
    {
        public DateTimeOffset? BusySince { get; set; }

        public DateTimeOffset? QuietSince { get; set; }

        public bool HasSaidNoRoom { get; set; }
    }

    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        if (deployment.Spec.Replicas is not { } range)
            return deployment;
        if (!_memories.TryGetValue(deployment.ModelId, out var memory))
            _memories[deployment.ModelId] = memory = new Memory();
        // While one comes, goes or is repaired, the demand on the others says nothing of what will be.
        var serving = deployment.Replicas.Where(replica => replica.Retiring is null).ToList();
        if (serving.Count == 0 || serving.Any(replica => replica.Replaces is not null || !Demand.IsReady(replica, view)))
        {
            (memory.BusySince, memory.QuietSince) = (null, null);
            return deployment;
        }
        var demand = Demand.Of(serving, view);
        var last = LastOf(serving, view);
        var isBusy = serving.Count < range.Min || (demand.Share > options.GrowAbove && serving.Count < range.Max);
        var isQuiet = serving.Count > range.Max
            || (serving.Count > range.Min && demand.Requests < options.ShrinkBelow * (demand.Slots - last.Sequences));
        memory.BusySince = isBusy ? memory.BusySince ?? view.Now : null;
        memory.QuietSince = isQuiet ? memory.QuietSince ?? view.Now : null;
        if (view.Now - memory.BusySince >= options.GrowAfter)
        {
            memory.BusySince = null;
            return Grow(deployment, memory, $"{Said(demand)} for {Words.Time(options.GrowAfter)}", view, note);
        }
        if (view.Now - memory.QuietSince < options.ShrinkAfter || memory.QuietSince is null)
            return deployment;
        memory.QuietSince = null;
        var change = $"one replica less, the one on {Words.NodesOf(last)}: {Said(demand)}, few enough for {Count(serving.Count - 1)} for {Words.Time(options.ShrinkAfter)}";
        note("shrinking", change);
        return deployment.With(last with { Retiring = view.Now }) with { Change = change };
    }

    private Deployment Grow(Deployment deployment, Memory memory, string reason, ClusterView view, Action<string, string> note)
    {
        if (deployment.Replicas.FirstOrDefault(replica => replica is { Retiring: not null, Head.IsLeaving: false }) is { } kept)
        {
            note("growing", $"the replica on {Words.NodesOf(kept)} is not ended: {reason}");
            return deployment.With(kept with { Retiring = null }) with { Change = null };
        }
        if (relocation.Another(deployment, view).Plan is not { } plan)
        {
            if (!memory.HasSaidNoRoom)
                note("no-room-to-grow", $"{reason}, and no nodes have room for another replica");
            memory.HasSaidNoRoom = true;
            return deployment;
        }
        memory.HasSaidNoRoom = false;
        var replica = Relocation.ReplicaOf(plan.Replicas[0]);
        var change = $"one replica more: {Words.Of(replica)}, because of {reason}";
        note("growing", change);
        return deployment.With(replica) with { Change = change };
    }

    // Whose end disturbs least: the one with the fewest streams, and of these the slowest.
    private static ReplicaAssignment LastOf(List<ReplicaAssignment> serving, ClusterView view) => serving
        .OrderBy(replica => Demand.RequestsOf(replica, view))
        .ThenBy(replica => replica.Predicted.AllStreams)
        .ThenByDescending(replica => replica.Id, StringComparer.Ordinal)
        .First();

    private static string Said(Demand demand) => string.Create(CultureInfo.InvariantCulture, $"{demand.Requests} requests for {demand.Slots} slots");

    private static string Count(int replicas) => replicas == 1 ? "1 replica" : string.Create(CultureInfo.InvariantCulture, $"{replicas} replicas");
}
