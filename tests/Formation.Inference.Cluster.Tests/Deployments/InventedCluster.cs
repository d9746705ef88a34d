using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Tests.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>Nodes that are as a test says, and a reconciler that looks at them.</summary>
sealed class InventedCluster
{
    private readonly Dictionary<string, NodeStatus> _nodes = [];
    private readonly Reconciler _reconciler;

    public InventedCluster(params (string Name, int Mebibytes)[] nodes)
    {
        _reconciler = new Reconciler(new FastestPlacement(), Options, Now);
        foreach (var (name, mebibytes) in nodes)
            Add(name, mebibytes);
        Now += TimeSpan.FromMinutes(1);
    }

    public ReconcilerOptions Options { get; } = new();

    public DateTimeOffset Now { get; set; } = Certificates.Now;

    public Deployment Deployment { get; private set; } = new(
        new DeploymentSpec
        {
            ModelId = "model",
            Placement = PlacementCases.Request with { Replicas = 1, Concurrency = 1, ContextLength = 256, MaxPrefillTokens = 64 },
        },
        new DeployedModel(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model()),
        Certificates.Now);

    /// <summary>What was noted, as <c>kind: reason</c>.</summary>
    public List<string> Notes { get; } = [];

    public ReplicaAssignment Replica => Assert.Single(Deployment.Replicas);

    public ClusterView View => new([.. _nodes.Values], Deployment.Workers, Now);

    public void Ask(Func<PlacementRequest, PlacementRequest> change) =>
        Deployment = Deployment with { Spec = Deployment.Spec with { Placement = change(Deployment.Spec.Placement) } };

    public void Add(string name, int mebibytes, NodeState state = NodeState.Online)
    {
        var report = PlacementCases.Node(name, mebibytes * PlacementCases.MiB).Report;
        var record = new NodeRecord(TestRegistry.Pin(name), name, "", new Dictionary<string, string>(), false, Certificates.Now);
        _nodes[name] = new NodeStatus(record, state, "", Now, Now, report);
    }

    public void Become(string name, NodeState state) => _nodes[name] = _nodes[name] with { State = state, Since = Now, Reason = "its connection broke" };

    public void Remove(string name) => _nodes.Remove(name);

    public void Drain(string name) => _nodes[name] = _nodes[name] with { Record = _nodes[name].Record with { IsDraining = true } };

    /// <summary>Lets a worker's node say how it is.</summary>
    public void Say(WorkerAssignment worker, WorkerState state, Func<WorkerReport, WorkerReport>? more = null)
    {
        var report = new WorkerReport(worker.Id, state) { Pin = TestRegistry.Pin(worker.Id), Addresses = [$"{worker.Node}:7000"] };
        _nodes[worker.Node] = _nodes[worker.Node] with
        {
            Workers = new Dictionary<string, WorkerReport>(_nodes[worker.Node].Workers) { [worker.Id] = more?.Invoke(report) ?? report },
        };
    }

    /// <summary>Lets all workers be ready, and the head work with all its stages.</summary>
    public void BeReady()
    {
        foreach (var worker in Deployment.Workers)
            Say(worker, WorkerState.Ready);
        foreach (var replica in Deployment.Replicas)
            Say(replica.Head!, WorkerState.Ready, report => report with { Chain = [.. Stages(replica).Select(stage => stage.Id)] });
    }

    public Deployment Step()
    {
        Deployment = _reconciler.Step(Deployment, View, (kind, reason) => Notes.Add($"{kind}: {reason}"));
        return Deployment;
    }

    public WorkerAssignment On(string node) => Deployment.Workers.Single(worker => worker.Node == node);

    public static IEnumerable<WorkerAssignment> Stages(ReplicaAssignment replica) => replica.Workers.Where(worker => worker.Role == WorkerRole.Stage);

    /// <summary>Asserts that each layer is computed once, by workers on different nodes, the first by the head.</summary>
    public void AssertWhole()
    {
        var next = 0;
        foreach (var worker in Replica.Workers)
        {
            Assert.Equal(next, worker.Layers.First);
            Assert.Equal(next == 0 ? WorkerRole.Head : WorkerRole.Stage, worker.Role);
            next = worker.Layers.End;
        }
        Assert.Equal(Deployment.Model.Shape.Layers.Count, next);
        Assert.Equal(Replica.Workers.Count, Replica.Workers.Select(worker => worker.Node).Distinct().Count());
    }
}
