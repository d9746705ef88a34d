using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class RebalancingTests
{
    // The model has 8 layers of 64 MiB and ends of 64 MiB: three of these nodes hold it, two do not.
    private const int Third = 300;
    private const int Whole = 2000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static AdaptOptions Options { get; } = new();

    private static InventedCluster OverThree()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third));
        cluster.Step();
        cluster.BeReady();
        return cluster;
    }

    private static InventedCluster OnOne(double gigabytes)
    {
        var cluster = new InventedCluster();
        cluster.Add("a", Whole, gigabytes: gigabytes);
        cluster.Step();
        cluster.BeReady();
        return cluster;
    }

    [Fact]
    public void A_node_that_joins_gets_layers_where_that_is_clearly_faster_for_long_enough_and_the_log_says_why()
    {
        var cluster = OverThree();
        var before = cluster.Replica;
        cluster.Add("fast", Whole, gigabytes: 60);

        cluster.Live(Options.MoveAfter);
        Assert.Equal(before, cluster.Replica);
        cluster.Live(cluster.Look);

        Assert.Equal(before, cluster.Deployment.Replicas[0]);
        Assert.Equal(before.Id, cluster.Deployment.Replicas[1].Replaces);
        Assert.Matches(@"^moving: .* to the head with layers 0-7 on fast: predicted [0-9.]+ tokens/s in place of [0-9.]+ .*fast", Assert.Single(cluster.NotesOf("moving")));
        Assert.Equal(cluster.NotesOf("moving").Single()["moving: ".Length..], cluster.Deployment.Change);
    }

    [Fact]
    public void The_old_parts_leave_when_the_new_ones_are_ready_and_the_head_has_let_its_streams_go()
    {
        var cluster = OverThree();
        var old = cluster.Replica;
        cluster.Add("fast", Whole, gigabytes: 60);
        cluster.Live(Options.MoveAfter);
        cluster.Work(old, 3);
        cluster.Step();
        var successor = cluster.Deployment.Replicas[1];

        // It loads: nothing changes for the streams.
        cluster.Say(successor.Head!, WorkerState.Loading);
        cluster.Step();
        Assert.Equal(old, cluster.Deployment.Replicas[0]);

        cluster.Say(successor.Head!, WorkerState.Ready);
        cluster.Step();
        Assert.True(cluster.Deployment.Replica(old.Id).Head!.IsLeaving);
        cluster.Step();
        Assert.Equal(2, cluster.Deployment.Replicas.Count);

        cluster.LetGo(cluster.Deployment.Replica(old.Id));
        cluster.Step();
        Assert.Equal("fast", cluster.Replica.Head!.Node);
        cluster.Live(Minute);
        Assert.Null(cluster.Deployment.Change);
        cluster.AssertWhole();
    }

    [Fact]
    public void What_would_be_a_little_faster_is_not_worth_a_move()
    {
        var cluster = OnOne(gigabytes: 20);
        cluster.Add("b", Whole, gigabytes: 23);

        cluster.Ask(request => request with { Stages = 1 });
        cluster.Live(60 * Minute);

        Assert.Equal("a", cluster.Replica.Head!.Node);
        Assert.Empty(cluster.NotesOf("moving"));
    }

    [Fact]
    public void A_node_whose_own_report_is_slower_now_loses_its_layers()
    {
        var cluster = OnOne(gigabytes: 20);
        cluster.Add("b", Whole, gigabytes: 19);
        cluster.Ask(request => request with { Stages = 1 });

        cluster.Speed("a", 8);
        cluster.Live(4 * Minute);

        Assert.Equal("b", cluster.Replica.Head!.Node);
        Assert.Contains("were predicted when it was placed", Assert.Single(cluster.NotesOf("moving")), StringComparison.Ordinal);
    }

    [Fact]
    public void One_part_alone_moves_where_that_is_about_as_good()
    {
        var cluster = new InventedCluster(("a", 400), ("b", 400));
        cluster.Ask(request => request with { Stages = 2 });
        cluster.Step();
        cluster.BeReady();
        var head = cluster.Replica.Head!;
        var slow = InventedCluster.Stages(cluster.Replica).Single();

        cluster.Speed(slow.Node, 4);
        // Room for the slow part, and not for a whole replica beside the old one.
        cluster.Add("c", 400);
        cluster.Live(4 * Minute);

        cluster.AssertWhole();
        Assert.Equal(head, cluster.Replica.Head);
        Assert.Equal(slow.Layers, cluster.On("c").Layers);
        Assert.Single(cluster.NotesOf("moving"));
    }

    [Fact]
    public void Where_there_is_no_memory_beside_the_running_parts_nothing_moves_and_the_log_says_so_once()
    {
        // Each has half of the layers, and the fast one has room for most of them, but not beside those that it has.
        var cluster = new InventedCluster(("a", 500), ("b", 500));
        cluster.Ask(request => request with { Stages = 2 });
        cluster.Step();
        cluster.BeReady();
        var before = cluster.Replica;

        cluster.Speed("a", 1);
        cluster.Speed("b", 100);
        cluster.Live(60 * Minute);

        Assert.Equal(before, cluster.Replica);
        Assert.Empty(cluster.NotesOf("moving"));
        Assert.Contains("no memory", Assert.Single(cluster.NotesOf("not-moved")), StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_that_were_pinned_stay()
    {
        var cluster = OnOne(gigabytes: 1);
        cluster.Ask(request => request with { Pins = [new NodePin("a", new LayerSpan(0, 8))] });
        cluster.Add("fast", Whole, gigabytes: 100);

        cluster.Live(60 * Minute);

        Assert.Equal("a", cluster.Replica.Head!.Node);
    }

    [Fact]
    public void A_node_whose_speed_flips_every_half_minute_moves_nothing()
    {
        var cluster = OnOne(gigabytes: 20);
        cluster.Ask(request => request with { Stages = 1 });
        cluster.Add("b", Whole, gigabytes: 20);
        var looks = 0;

        cluster.Live(120 * Minute, () => cluster.Speed("a", looks++ / 6 % 2 == 0 ? 20 : 2));

        Assert.Empty(cluster.NotesOf("moving"));
    }

    [Fact]
    public void Nodes_that_join_and_leave_in_turns_cause_at_most_one_move_in_ten_minutes()
    {
        var cluster = OnOne(gigabytes: 5);
        cluster.Ask(request => request with { Stages = 1 });
        var looks = 0;
        var moves = new List<DateTimeOffset>();

        // Each stays for five minutes: long enough to be worth a move, were it alone that counts.
        cluster.Live(180 * Minute, () =>
        {
            var turn = looks++ / 60;
            if (looks % 60 == 1)
            {
                cluster.Add($"n{turn}", Whole, gigabytes: 100);
                if (turn > 1 && cluster.Has($"n{turn - 2}"))
                    cluster.Remove($"n{turn - 2}");
            }
            if (cluster.NotesOf("moving").Count() > moves.Count)
                moves.Add(cluster.Now);
        });

        Assert.NotEmpty(moves);
        Assert.All(moves.Zip(moves.Skip(1)), pair => Assert.True(pair.Second - pair.First >= Options.MovePause));
    }

    [Fact]
    public void A_move_whose_node_is_lost_or_drained_is_given_up_and_the_replica_stays()
    {
        foreach (var lose in new Action<InventedCluster>[] { cluster => cluster.Become("fast", NodeState.Lost), cluster => cluster.Drain("fast") })
        {
            var cluster = OverThree();
            var before = cluster.Replica;
            cluster.Add("fast", Whole, gigabytes: 60);
            cluster.Live(Options.MoveAfter + cluster.Look);
            Assert.Equal(2, cluster.Deployment.Replicas.Count);

            lose(cluster);
            cluster.Step();

            Assert.Equal(before, cluster.Replica);
            Assert.Single(cluster.NotesOf("move-given-up"));
        }
    }

    [Fact]
    public void A_node_that_computes_much_more_slowly_than_its_figures_promise_loses_its_layers()
    {
        var cluster = OnOne(gigabytes: 20);
        cluster.Ask(request => request with { Stages = 1 });
        cluster.Add("b", Whole, gigabytes: 20);

        cluster.Live(4 * Minute, () => Compute(cluster, 4, _ => 0.3));

        Assert.Equal("b", cluster.Replica.Head!.Node);
        Assert.Contains("a computes at", Assert.Single(cluster.NotesOf("moving")), StringComparison.Ordinal);

        // It stays there: the slow node is remembered.
        cluster.Live(30 * Minute, () => Compute(cluster, 4, _ => 1));
        Assert.Single(cluster.NotesOf("moving"));
    }

    [Theory, InlineData(1), InlineData(16)]
    public void Many_streams_do_not_make_a_node_slow(int streams)
    {
        var cluster = OverThree();
        cluster.Add("d", Third);

        cluster.Live(60 * Minute, () => Compute(cluster, streams, _ => 1));

        Assert.Empty(cluster.NotesOf("moving"));
    }

    [Fact]
    public void What_all_nodes_are_slower_than_predicted_is_the_models_fault_and_moves_nothing()
    {
        var cluster = OverThree();
        cluster.Add("d", Third);

        cluster.Live(60 * Minute, () => Compute(cluster, 1, _ => 0.65));

        Assert.Empty(cluster.NotesOf("moving"));
    }

    [Fact]
    public void A_node_that_is_slow_because_another_model_works_there_is_not_taken_for_a_slow_one()
    {
        var cluster = OnOne(gigabytes: 20);
        cluster.Ask(request => request with { Stages = 1 });
        cluster.Add("b", Whole, gigabytes: 20);
        var other = new WorkerAssignment(WorkerId.New(), "a", WorkerRole.Stage, new LayerSpan(0, 1), 0);
        var rows = 0;

        cluster.Live(60 * Minute, () =>
        {
            Compute(cluster, 4, _ => 0.3);
            cluster.Say(other, WorkerState.Ready, report => report with { Work = new StageFigures(rows += 10, 0, 0) });
        });

        Assert.Empty(cluster.NotesOf("moving"));
    }

    private static void Compute(InventedCluster cluster, int streams, Func<string, double> paceOf)
    {
        foreach (var worker in cluster.Deployment.Replicas.Where(replica => replica.Replaces is null).SelectMany(replica => replica.Workers))
            if (cluster.View.ReportOf(worker) is { State: WorkerState.Ready })
                cluster.Compute(worker, steps: 100, streams, paceOf(worker.Node));
    }
}
