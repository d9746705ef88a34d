using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// Brings what is decided about a deployment into line with what the nodes are: places it, replaces workers that are lost, moves those whose nodes are
/// drained, keeps standbys, and adapts it to demand and speed. Called again and again with what is so now; it remembers how often workers failed and since when demand is as it is, and nothing else. Values in,
/// value out: no clock and no network. Used by one thread.
/// </summary>
public sealed class Reconciler
{
    private readonly ReconcilerOptions _options;
    private readonly WorkerFailures _failures;
    private readonly FaultFinder _faults;
    private readonly Relocation _relocation;
    private readonly Retirement _retirement;
    private readonly Adapter _adapter;

    /// <param name="policy">Decides where.</param>
    /// <param name="options">How patient it is.</param>
    /// <param name="started">When this gateway started: before that, it heard of no node.</param>
    public Reconciler(IPlacementPolicy policy, ReconcilerOptions options, DateTimeOffset started)
    {
        _options = options;
        _failures = new WorkerFailures(options.FailureMemory);
        _faults = new FaultFinder(options, started);
        _relocation = new Relocation(policy);
        _retirement = new Retirement(_faults, _failures, options.Adapt);
        _adapter = new Adapter(_relocation, options.Adapt);
    }

    /// <summary>What is to be so now.</summary>
    /// <param name="deployment">What was decided before.</param>
    /// <param name="view">The nodes as they are.</param>
    /// <param name="note">Told what is decided: one word, and why in words.</param>
    public Deployment Step(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        var next = deployment with { Waiting = "" };
        if (next.Asleep is not null)
            return next;
        if (next.Replicas.Count == 0)
            next = Place(next, view, note);
        next = _retirement.Step(next, view, note);
        foreach (var id in next.Replicas.Where(replica => replica.Replaces is null).Select(replica => replica.Id).ToList())
        {
            next = Handover.Step(next, id, view, note);
            next = Repair(next, id, view, note);
            next = LeaveDraining(next, id, view, note);
        }
        next = Standbys.Keep(next, view, _failures, _options, note);
        next = _adapter.Step(next, view, note);
        if (next.Waiting.Length > 0 && next.Waiting != deployment.Waiting)
            note("waiting", next.Waiting);
        return next;
    }

    private Deployment Place(Deployment deployment, ClusterView view, Action<string, string> note)
    {
        var result = _relocation.Whole(deployment, view);
        if (result.Plan is not { } plan)
            return deployment with { Standbys = [], Waiting = string.Join("; ", result.Reasons) };
        foreach (var left in result.LeftOut)
            note("left-out", $"node {left.Node}: {left.Reason}");
        var replicas = plan.Replicas.Select(Relocation.ReplicaOf).ToList();
        foreach (var replica in replicas)
            note("placed", $"{Words.Of(replica)}; predicted {Words.Rate(replica.Predicted.OneStream)} tokens/s of one stream");
        return deployment with { Replicas = replicas, Standbys = [.. plan.Spares.Select(spare => Standbys.On(spare.Node, spare.Bytes))] };
    }

    /// <summary>Puts others in the place of workers that are lost.</summary>
    private Deployment Repair(Deployment deployment, string replicaId, ClusterView view, Action<string, string> note)
    {
        foreach (var worker in deployment.Replica(replicaId).Workers)
        {
            var replica = deployment.Replica(replicaId);
            // A replacement before this one may have placed the whole replica anew.
            if (!replica.Workers.Contains(worker) || _faults.Of(worker, replica, view) is not { } fault)
                continue;
            if (replica.Workers.FirstOrDefault(other => other.Replaces == worker.Id) is { } successor)
            {
                note("moved", $"{Words.Of(worker)} from {worker.Node}, which {fault.Reason}, to {successor.Node}");
                deployment = deployment.With(replica.Without(worker).With(successor with { Replaces = null }));
                continue;
            }
            var failing = _failures.Nodes(deployment.ModelId, _options.Restarts, view.Now);
            deployment = fault.MayRestart && !failing.Contains(worker.Node)
                ? Restart(deployment, replica, worker, fault, view, note)
                : Replace(deployment, replica, worker, fault, failing, view, note);
        }
        return deployment;
    }

    private Deployment Restart(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, WorkerFault fault, ClusterView view, Action<string, string> note)
    {
        _failures.Add(deployment.ModelId, worker.Node, view.Now);
        note("restarted", $"{Words.Of(worker)} on {worker.Node}, which {fault.Reason}");
        return deployment.With(replica.Replace(worker, [worker with { Id = WorkerId.New() }]));
    }

    // Where its workers failed again and again, nothing of the model goes for a while: what fails everywhere would be handed around without end.
    private Deployment Replace(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment worker, WorkerFault fault, IReadOnlySet<string> failing, ClusterView view,
        Action<string, string> note)
    {
        var lost = $"{Words.Of(worker)} on {worker.Node}, which {fault.Reason}";
        if (Standbys.For(deployment, worker, view) is { } standby)
        {
            note("replaced", $"{lost}: the standby on {standby.Node} takes over");
            return Standbys.Without(deployment.With(replica.Replace(worker, [Standbys.InPlaceOf(worker, standby) with { Replaces = worker.Replaces }])), standby);
        }
        if (replica.HasGroup && _relocation.ForMember(deployment, replica, worker, failing, view) is { } other)
        {
            note("replaced", $"{lost}: {Words.WithNode(other)}");
            return deployment.With(replica.Replace(worker, [other with { Replaces = worker.Replaces }]));
        }
        var result = replica.HasGroup ? Relocation.NoMember(worker) : _relocation.Around(deployment, replica, worker, failing, view);
        if (result.Plan is { } plan)
        {
            var found = Relocation.Missing(plan.Replicas[0], replica, worker);
            note("replaced", $"{lost}: {string.Join(" and ", found.Select(Words.WithNode))}");
            return deployment.With(replica.Replace(worker, found));
        }
        if (worker.Members > 1
            && _relocation.MembersToMeasure(deployment, replica, worker, failing, view, view.Now - _options.Measuring) is { Count: > 0 } coming)
        {
            return deployment with { Waiting = $"{lost}: the ways between {string.Join(", ", coming)} and the nodes that it shared its layers with are being measured." };
        }
        if (_relocation.Anew(deployment, replica, failing, view).Plan is { } anew)
        {
            var placed = Relocation.ReplicaOf(anew.Replicas[0]) with { Id = replica.Id };
            note("placed-anew", $"{lost}, and nobody has room for that alone: {Words.Of(placed)}");
            return deployment.With(placed);
        }
        return deployment with { Waiting = $"{lost}, has no other place. {string.Join("; ", result.Reasons)}" };
    }

    /// <summary>Finds other places for what lies on nodes that are drained, and keeps what lies there until these are ready.</summary>
    private Deployment LeaveDraining(Deployment deployment, string replicaId, ClusterView view, Action<string, string> note)
    {
        foreach (var worker in deployment.Replica(replicaId).Workers)
        {
            var replica = deployment.Replica(replicaId);
            // One that is given up, or has a successor, leaves the node anyway.
            if (replica.Retiring is not null || deployment.Replicas.Any(other => other.Replaces == replicaId))
                return deployment;
            if (view.Find(worker.Node) is not { Record.IsDraining: true } || worker.IsLeaving || replica.Workers.Any(other => other.Replaces == worker.Id))
                continue;
            if (Standbys.For(deployment, worker, view) is { } standby)
            {
                note("moving", $"{Words.Of(worker)} off {worker.Node}, which is drained, to the standby on {standby.Node}");
                deployment = Standbys.Without(deployment.With(replica.With(Standbys.InPlaceOf(worker, standby) with { Replaces = worker.Id })), standby);
                continue;
            }
            var failing = _failures.Nodes(deployment.ModelId, _options.Restarts, view.Now);
            if (replica.HasGroup && _relocation.ForMember(deployment, replica, worker, failing, view) is { } other)
            {
                note("moving", $"{Words.Of(worker)} off {worker.Node}, which is drained, to {other.Node}");
                deployment = deployment.With(replica.With(other with { Replaces = worker.Id }));
                continue;
            }
            var result = replica.HasGroup ? Relocation.NoMember(worker) : _relocation.AroundAsOne(deployment, replica, worker, failing, view);
            if (result.Plan is { } plan && Relocation.Missing(plan.Replicas[0], replica, worker) is [var successor])
            {
                note("moving", $"{Words.Of(worker)} off {worker.Node}, which is drained, to {successor.Node}");
                deployment = deployment.With(replica.With(successor with { Replaces = worker.Id }));
            }
            else
            {
                deployment = LeaveWhole(deployment, replica, worker, failing, view, note);
            }
        }
        return deployment;
    }

    // Where no node can take what one has, there may be room for a whole other replica beside this one, which takes over its streams.
    private Deployment LeaveWhole(
        Deployment deployment, ReplicaAssignment replica, WorkerAssignment drained, IReadOnlySet<string> failing, ClusterView view, Action<string, string> note)
    {
        var what = $"{drained.Node} is drained, and no other node has room for {Words.Of(drained)}";
        if (_relocation.Beside(deployment, replica, failing, view).Plan is not { } plan)
            return deployment with { Waiting = $"{what}." };
        var successor = Relocation.ReplicaOf(plan.Replicas[0]) with { Replaces = replica.Id };
        var change = $"{Words.Of(replica)} to {Words.Of(successor)}: {what}";
        note("moving", change);
        return deployment.With(successor) with { Change = change };
    }
}
