using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>Several parts of one replica that are lost, or have to leave their nodes, at the same time.</summary>
public sealed class SeveralAtOnceTests
{
    // The model has 8 layers of 64 MiB and ends of 64 MiB: three of these nodes hold it, two do not.
    private const int Third = 300;

    private readonly InventedCluster _cluster = new(("a", Third), ("b", Third), ("c", Third));

    public SeveralAtOnceTests()
    {
        _cluster.Step();
        _cluster.BeReady();
    }

    private List<WorkerAssignment> Stages => [.. InventedCluster.Stages(_cluster.Replica)];

    [Fact]
    public void Two_stages_on_drained_nodes_move_at_the_same_time()
    {
        _cluster.Add("d", Third);
        _cluster.Add("e", Third);
        var old = Stages;

        foreach (var stage in old)
            _cluster.Drain(stage.Node);
        _cluster.Step();

        Assert.Equal(2, _cluster.NotesOf("moving").Count());
        Assert.Empty(_cluster.NotesOf("waiting"));
        foreach (var stage in old)
            Assert.Equal(stage.Layers, _cluster.Replica.Workers.Single(worker => worker.Replaces == stage.Id).Layers);
        _cluster.Live(TimeSpan.FromMinutes(1));
        _cluster.AssertWhole();
        Assert.DoesNotContain(_cluster.Deployment.Workers, worker => old.Any(stage => stage.Node == worker.Node));
    }

    [Fact]
    public void A_drained_stage_moves_to_one_node_also_where_two_would_be_faster()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third));
        cluster.Ask(request => request with { Concurrency = 8 });
        cluster.Step();
        cluster.BeReady();
        cluster.Add("d", Third, gigabytes: 8, near: ["a", "b", "c", "e"]);
        cluster.Add("e", Third, gigabytes: 8, near: ["a", "b", "c", "d"]);
        var stage = InventedCluster.Stages(cluster.Replica).MaxBy(stage => stage.Layers.Count)!;
        var split = new Relocation(new FastestPlacement()).Around(cluster.Deployment, cluster.Replica, stage, new HashSet<string>(), cluster.View);
        Assert.Equal(2, Relocation.Missing(split.Plan!.Replicas[0], cluster.Replica, stage).Count);

        cluster.Drain(stage.Node);
        cluster.Step();

        Assert.Equal(stage.Layers, Assert.Single(cluster.Replica.Workers, worker => worker.Replaces == stage.Id).Layers);
        Assert.Single(cluster.NotesOf("moving"));
        Assert.Equal("", cluster.Deployment.Waiting);
    }

    [Fact]
    public void A_head_and_a_stage_on_drained_nodes_move_at_the_same_time()
    {
        _cluster.Add("d", 400);
        _cluster.Add("e", 400);
        List<WorkerAssignment> old = [_cluster.Replica.Head!, Stages[0]];

        foreach (var worker in old)
            _cluster.Drain(worker.Node);
        _cluster.Step();

        Assert.Equal(2, _cluster.NotesOf("moving").Count());
        _cluster.Live(TimeSpan.FromMinutes(1));
        _cluster.AssertWhole();
        Assert.DoesNotContain(_cluster.Deployment.Workers, worker => old.Any(other => other.Node == worker.Node));
    }

    [Fact]
    public void Two_stages_that_are_lost_at_once_are_each_replaced_and_the_head_stays()
    {
        _cluster.Add("d", Third);
        _cluster.Add("e", Third);
        var (head, lost) = (_cluster.Replica.Head!, Stages);

        foreach (var stage in lost)
            _cluster.Become(stage.Node, NodeState.Stopped);
        _cluster.Step();

        _cluster.AssertWhole();
        Assert.Equal(head, _cluster.Replica.Head);
        Assert.Equal(2, _cluster.NotesOf("replaced").Count());
        Assert.DoesNotContain(_cluster.Deployment.Workers, worker => lost.Any(stage => stage.Node == worker.Node));
    }

    [Fact]
    public void A_stage_that_is_lost_while_another_one_is_on_a_drained_node_is_replaced_alone()
    {
        _cluster.Add("d", Third);
        var (head, drained, lost) = (_cluster.Replica.Head!, Stages[0], Stages[1]);

        _cluster.Drain(drained.Node);
        _cluster.Become(lost.Node, NodeState.Stopped);
        _cluster.Step();

        Assert.Equal(lost.Layers, _cluster.On("d").Layers);
        Assert.Equal(head, _cluster.Replica.Head);
        Assert.Contains(drained, _cluster.Replica.Workers);
        Assert.Contains(drained.Node, _cluster.Deployment.Waiting, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_node_can_take_a_drained_ones_layers_alone_the_whole_replica_moves_to_where_there_is_room()
    {
        // Too little for the drained node's layers on each of them, enough for everything on all of them.
        string[] small = ["d", "e", "f", "g", "h", "i"];
        foreach (var node in small)
            _cluster.Add(node, 190);
        var (old, drained) = (_cluster.Replica, Stages.MaxBy(stage => stage.MemoryBytes)!);
        Assert.True(drained.MemoryBytes > 190L << 20);

        _cluster.Drain(drained.Node);
        _cluster.Step();

        var successor = _cluster.Deployment.Replicas[1];
        Assert.Equal(old.Id, successor.Replaces);
        Assert.Equal(old, _cluster.Deployment.Replicas[0]);
        Assert.DoesNotContain(successor.Workers, worker => worker.Node == drained.Node);
        Assert.Contains(drained.Node, Assert.Single(_cluster.NotesOf("moving")), StringComparison.Ordinal);
        Assert.Equal("", _cluster.Deployment.Waiting);

        _cluster.Step();
        Assert.Equal(2, _cluster.Deployment.Replicas.Count);
        _cluster.Live(TimeSpan.FromMinutes(1));
        _cluster.AssertWhole();
        Assert.Equal(successor.Id, _cluster.Replica.Id);
        Assert.Single(_cluster.NotesOf("ended"));
    }

    [Fact]
    public void A_whole_replica_that_cannot_start_elsewhere_is_not_moved_there_without_end()
    {
        string[] small = ["d", "e", "f", "g", "h", "i"];
        foreach (var node in small)
            _cluster.Add(node, 190);
        var old = _cluster.Replica;
        _cluster.Drain(Stages.MaxBy(stage => stage.MemoryBytes)!.Node);

        for (var look = 0; look < 60; look++)
        {
            _cluster.Step();
            foreach (var worker in _cluster.Deployment.Replicas.Where(replica => replica.Id != old.Id).SelectMany(replica => replica.Workers))
                _cluster.Say(worker, WorkerState.Failed, report => report with { Reason = "it ended" });
            _cluster.Now += TimeSpan.FromSeconds(1);
        }

        Assert.Equal(old, _cluster.Replica);
        Assert.InRange(_cluster.NotesOf("move-given-up").Count(), 1, small.Length * _cluster.Options.Restarts);
        Assert.Contains("drained", _cluster.Deployment.Waiting, StringComparison.Ordinal);
    }
}
