using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Placement.Costs;
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
        _reconciler = new Reconciler(new FastestPlacement(), Options, Now - TimeSpan.FromMinutes(1));
        foreach (var (name, mebibytes) in nodes)
            Add(name, mebibytes);
    }

    public ReconcilerOptions Options { get; } = new();

    /// <summary>The time between two looks of <see cref="Live"/>.</summary>
    public TimeSpan Look { get; } = TimeSpan.FromSeconds(5);

    public DateTimeOffset Now { get; set; } = Certificates.Now + TimeSpan.FromMinutes(1);

    public Deployment Deployment { get; private set; } = new(
        new DeploymentSpec
        {
            ModelId = "model",
            Placement = PlacementCases.Request with { Replicas = 1, Concurrency = 1, ContextLength = 256, MaxPrefillTokens = 64 },
        },
        new DeployedModel(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model()),
        Certificates.Now);

    /// <summary>Notes of a kind.</summary>
    public IEnumerable<string> NotesOf(string kind) => Notes.Where(note => note.StartsWith($"{kind}:", StringComparison.Ordinal));

    /// <summary>What was noted, as <c>kind: reason</c>.</summary>
    public List<string> Notes { get; } = [];

    public ReplicaAssignment Replica => Assert.Single(Deployment.Replicas);

    public ClusterView View => new([.. _nodes.Values], Deployment.Workers, Now);

    public void Ask(Func<PlacementRequest, PlacementRequest> change) =>
        Deployment = Deployment with { Spec = Deployment.Spec with { Placement = change(Deployment.Spec.Placement) } };

    /// <summary>Asks for the deployment on other terms than placement's.</summary>
    public void AskFor(Func<DeploymentSpec, DeploymentSpec> change) => Deployment = Deployment with { Spec = change(Deployment.Spec) };

    /// <param name="gigabytes">What it says that it reads in a second.</param>
    /// <param name="near">Nodes that it has measured the way to, and that are of its site.</param>
    public void Add(string name, int mebibytes, NodeState state = NodeState.Online, double gigabytes = 20, params string[] near)
    {
        var links = near.Select(peer => (peer, 0.1, 1200.0)).ToArray();
        var report = PlacementCases.Node(name, mebibytes * PlacementCases.MiB, gigabytes, links: links).Report;
        var record = new NodeRecord(TestRegistry.Pin(name), name, "", new Dictionary<string, string>(), false, Certificates.Now);
        _nodes[name] = new NodeStatus(record, state, "", Now, Now, report);
    }

    public void Become(string name, NodeState state) => _nodes[name] = _nodes[name] with { State = state, Since = Now, Reason = "its connection broke" };

    /// <summary>Lets a node report another speed; its workers go on.</summary>
    public void Speed(string name, double gigabytes) =>
        _nodes[name] = _nodes[name] with { Report = _nodes[name].Report! with { Devices = PlacementCases.Node(name, gigabytes: gigabytes).Report.Devices } };

    /// <summary>
    /// Lets a worker's node say that it has computed steps of generation, at a share of the speed that its figures promise.
    /// </summary>
    public void Compute(WorkerAssignment worker, int steps, int streams, double pace)
    {
        var report = _nodes[worker.Node].Workers[worker.Id];
        var work = new DecodeWork(steps, (long)steps * streams, (long)steps * streams * 300, 0);
        var seconds = DecodeCosts.Seconds(Deployment.Model.Shape, worker.Layers, _nodes[worker.Node].Report!, work, new CostAssumptions()) / pace;
        var done = report.Decode;
        Say(worker, report.State, _ => report with
        {
            Decode = new DecodeWork(done.Steps + work.Steps, done.Rows + work.Rows, done.Positions + work.Positions, done.Seconds + seconds),
        });
    }

    public bool Has(string name) => _nodes.ContainsKey(name);

    public void Remove(string name) => _nodes.Remove(name);

    public void Drain(string name, bool isDraining = true) =>
        _nodes[name] = _nodes[name] with { Record = _nodes[name].Record with { IsDraining = isDraining } };

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

    /// <summary>Lets a replica's head say how many requests it works on; it begins those that are more than before.</summary>
    public void Work(ReplicaAssignment replica, int requests)
    {
        var head = replica.Head!;
        var before = _nodes[head.Node].Workers.GetValueOrDefault(head.Id)?.Figures ?? default;
        var begun = before.RequestsBegun + Math.Max(0, requests - before.RunningRequests);
        Say(head, WorkerState.Ready, report => report with
        {
            Chain = [.. Stages(replica).Select(stage => stage.Id)],
            Figures = before with { RunningRequests = requests, RequestsBegun = begun },
        });
    }

    /// <summary>Does what a gateway does for a request that finds the deployment asleep.</summary>
    public void Wake() => Deployment = Deployment with { Asleep = null };

    /// <summary>Lets a head that leaves have let go of its streams.</summary>
    public void LetGo(ReplicaAssignment replica) => Say(replica.Head!, WorkerState.Waiting);

    /// <summary>Looks again and again for a while, new workers being ready before the next look, and heads following their orders.</summary>
    /// <param name="time">How long.</param>
    /// <param name="before">Called before each look, or null.</param>
    public void Live(TimeSpan time, Action? before = null)
    {
        for (var end = Now + time; Now < end; Now += Look)
        {
            foreach (var worker in Deployment.Workers.Where(worker => View.ReportOf(worker) is null))
                Say(worker, WorkerState.Ready);
            foreach (var replica in Deployment.Replicas)
                Follow(replica);
            before?.Invoke();
            Step();
        }
    }

    public Deployment Step()
    {
        Deployment = _reconciler.Step(Deployment, View, (kind, reason) => Notes.Add($"{kind}: {reason}"));
        return Deployment;
    }

    // A head works with the stages of its newest order, and lets go of its streams when it is to leave.
    private void Follow(ReplicaAssignment replica)
    {
        if (replica.Head is not { } head || !_nodes.TryGetValue(head.Node, out var node) || node.Workers.GetValueOrDefault(head.Id) is not { } report)
            return;
        Say(head, head.IsLeaving ? WorkerState.Waiting : report.State, _ => report with
        {
            State = head.IsLeaving ? WorkerState.Waiting : report.State,
            Chain = [.. Stages(replica).Where(stage => !stage.IsLeaving).Select(stage => stage.Id)],
        });
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
