using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class ReconcilerTests
{
    // The model has 8 layers of 64 MiB and ends of 64 MiB: three of these nodes hold it, two do not.
    private const int Third = 300;

    [Fact]
    public void A_model_that_no_node_can_hold_is_placed_over_several()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third));

        cluster.Step();

        cluster.AssertWhole();
        Assert.Equal(3, cluster.Replica.Workers.Count);
        Assert.Contains(cluster.Notes, note => note.StartsWith("placed:", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_room_it_waits_and_says_what_is_missing_and_a_new_node_ends_that()
    {
        var cluster = new InventedCluster(("a", Third));

        Assert.Empty(cluster.Step().Replicas);
        Assert.Contains("bytes", cluster.Deployment.Waiting, StringComparison.Ordinal);

        cluster.Add("b", 2000);
        cluster.Step();
        cluster.AssertWhole();
        Assert.Equal("", cluster.Deployment.Waiting);
    }

    [Fact]
    public void Waiting_for_the_same_thing_is_noted_once()
    {
        var cluster = new InventedCluster(("a", Third));

        cluster.Step();
        cluster.Step();

        Assert.Single(cluster.Notes, note => note.StartsWith("waiting:", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_whole_stays_as_it_is()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third), ("d", 4000));
        cluster.Remove("d");
        var placed = cluster.Step();
        cluster.BeReady();
        cluster.Add("d", 4000);

        Assert.Equal(DeploymentText(placed), DeploymentText(cluster.Step()));
    }

    [Fact]
    public void A_worker_that_fails_is_started_again_on_its_node_under_a_new_id()
    {
        var cluster = ReadyCluster();
        var before = cluster.Replica;
        var failed = InventedCluster.Stages(before).First();

        cluster.Say(failed, WorkerState.Failed);
        cluster.Step();

        cluster.AssertWhole();
        var restarted = cluster.On(failed.Node);
        Assert.NotEqual(failed.Id, restarted.Id);
        Assert.Equal(failed.Layers, restarted.Layers);
        Assert.Equal(before.Workers.Where(worker => worker != failed), cluster.Replica.Workers.Where(worker => worker != restarted));
    }

    [Fact]
    public void A_worker_that_fails_again_and_again_goes_to_another_node()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third));
        cluster.Step();
        cluster.Add("d", Third);
        var node = InventedCluster.Stages(cluster.Replica).First().Node;

        for (var i = 0; i < cluster.Options.Restarts; i++)
        {
            cluster.Say(cluster.On(node), WorkerState.Failed);
            cluster.Step();
            Assert.Equal(node, cluster.On(node).Node);
        }
        cluster.Say(cluster.On(node), WorkerState.Failed);
        cluster.Step();

        cluster.AssertWhole();
        Assert.DoesNotContain(cluster.Deployment.Workers, worker => worker.Node == node);
        Assert.Contains(cluster.Deployment.Workers, worker => worker.Node == "d");
    }

    [Fact]
    public void A_model_that_fails_everywhere_is_not_handed_around_and_tried_again_after_a_while()
    {
        var cluster = new InventedCluster(("a", 2000), ("b", 2000));
        cluster.Step();

        Fail(TimeSpan.FromMinutes(4));
        var tries = Tries();
        Assert.Equal(2 * cluster.Options.Restarts + 1, tries);
        Assert.Contains("has no other place", cluster.Deployment.Waiting, StringComparison.Ordinal);

        Fail(TimeSpan.FromMinutes(3));
        Assert.True(Tries() > tries);

        int Tries() => cluster.NotesOf("restarted").Concat(cluster.NotesOf("replaced")).Concat(cluster.NotesOf("placed-anew")).Count();

        void Fail(TimeSpan time)
        {
            for (var end = cluster.Now + time; cluster.Now < end; cluster.Now += TimeSpan.FromSeconds(1))
            {
                foreach (var worker in cluster.Deployment.Workers)
                    cluster.Say(worker, WorkerState.Failed);
                cluster.Step();
            }
        }
    }

    [Fact]
    public void A_standby_takes_the_place_of_a_lost_stage_at_once_and_another_standby_is_sought()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third), ("d", Third), ("e", Third));
        cluster.Ask(request => request with { Spares = 1, Stages = 3 });
        cluster.Step();
        cluster.BeReady();
        var standby = Assert.Single(cluster.Deployment.Standbys);
        var lost = InventedCluster.Stages(cluster.Replica).First();

        cluster.Become(lost.Node, NodeState.Lost);
        cluster.Say(cluster.Replica.Head!, WorkerState.Ready);
        cluster.Step();

        cluster.AssertWhole();
        var replacement = cluster.On(standby.Node);
        Assert.Equal(standby.Id, replacement.Id);
        Assert.Equal(lost.Layers, replacement.Layers);
        Assert.NotEqual(standby.Node, Assert.Single(cluster.Deployment.Standbys).Node);
    }

    [Theory, InlineData(NodeState.Lost), InlineData(NodeState.Stopped)]
    public void A_lost_nodes_layers_go_to_a_node_with_room_and_the_others_stay(NodeState state)
    {
        var cluster = ReadyCluster();
        cluster.Add("d", Third);
        var before = cluster.Replica;
        var lost = InventedCluster.Stages(before).Last();

        cluster.Become(lost.Node, state);
        cluster.Say(before.Head!, WorkerState.Ready);
        cluster.Step();

        cluster.AssertWhole();
        Assert.Equal(lost.Layers, cluster.On("d").Layers);
        Assert.Equal(before.Workers.Where(worker => worker != lost), cluster.Replica.Workers.Where(worker => worker.Node != "d"));
    }

    [Fact]
    public void Two_small_nodes_may_take_the_place_of_one()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", 200);
        cluster.Add("e", 200);
        var lost = InventedCluster.Stages(cluster.Replica).Last();

        cluster.Remove(lost.Node);
        cluster.Step();

        cluster.AssertWhole();
        Assert.Equal(4, cluster.Replica.Workers.Count);
    }

    [Fact]
    public void A_lost_head_is_replaced_and_its_stages_stay()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", 400);
        var before = cluster.Replica;

        cluster.Become(before.Head!.Node, NodeState.Lost);
        cluster.Step();

        cluster.AssertWhole();
        Assert.Equal("d", cluster.Replica.Head!.Node);
        Assert.Equal(InventedCluster.Stages(before), InventedCluster.Stages(cluster.Replica));
    }

    [Fact]
    public void A_stage_that_its_head_still_works_with_is_left_alone_for_a_while_when_the_gateway_loses_its_node()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", Third);
        var unheard = InventedCluster.Stages(cluster.Replica).First();

        cluster.Become(unheard.Node, NodeState.Lost);
        cluster.Step();
        Assert.Contains(unheard, cluster.Replica.Workers);

        cluster.Now += cluster.Options.UnheardStage;
        cluster.Step();
        Assert.DoesNotContain(unheard, cluster.Replica.Workers);
        cluster.AssertWhole();
    }

    [Fact]
    public void A_stage_that_its_head_cannot_work_with_is_replaced_although_its_node_is_well()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", Third);
        var cut = InventedCluster.Stages(cluster.Replica).First();

        cluster.Say(cluster.Replica.Head!, WorkerState.Ready, report => report with { Lost = [new LostWorker(cut.Id, "nothing was heard for 2.0 s")] });
        cluster.Step();

        cluster.AssertWhole();
        Assert.Equal(cut.Layers, cluster.On("d").Layers);
    }

    [Fact]
    public void With_no_other_place_the_rest_stays_and_the_node_that_comes_back_is_used_again()
    {
        var cluster = ReadyCluster();
        var before = cluster.Replica;
        var lost = InventedCluster.Stages(before).First();

        cluster.Become(lost.Node, NodeState.Lost);
        cluster.Say(before.Head!, WorkerState.Ready);
        cluster.Step();
        Assert.Equal(before.Workers, cluster.Replica.Workers);
        Assert.Contains(lost.Node, cluster.Deployment.Waiting, StringComparison.Ordinal);

        cluster.Become(lost.Node, NodeState.Online);
        cluster.BeReady();
        cluster.Step();
        Assert.Equal(before.Workers, cluster.Replica.Workers);
        Assert.Equal("", cluster.Deployment.Waiting);
    }

    [Fact]
    public void Where_nobody_has_room_for_the_missing_layers_alone_the_replica_is_placed_anew()
    {
        var cluster = ReadyCluster();
        var lost = InventedCluster.Stages(cluster.Replica).First();
        // Those that are left have one worker each already; together they have room for everything.
        foreach (var node in new[] { "a", "b", "c" }.Where(node => node != lost.Node))
            cluster.Add(node, 700);

        cluster.Remove(lost.Node);
        cluster.Step();

        cluster.AssertWhole();
        Assert.Contains(cluster.Notes, note => note.StartsWith("placed-anew:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_drained_nodes_stage_stays_until_another_has_taken_over()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", Third);
        var old = InventedCluster.Stages(cluster.Replica).First();

        cluster.Drain(old.Node);
        cluster.Step();
        var successor = cluster.On("d");
        Assert.Equal((old.Id, old.Layers), (successor.Replaces, successor.Layers));
        Assert.False(cluster.On(old.Node).IsLeaving);

        cluster.Say(successor, WorkerState.Ready);
        cluster.Step();
        Assert.True(cluster.On(old.Node).IsLeaving);

        var chain = InventedCluster.Stages(cluster.Replica).Where(stage => stage.Id != old.Id).Select(stage => stage.Id).ToList();
        cluster.Say(cluster.Replica.Head!, WorkerState.Ready, report => report with { Chain = chain });
        cluster.Step();
        cluster.AssertWhole();
        Assert.DoesNotContain(cluster.Deployment.Workers, worker => worker.Node == old.Node);
    }

    [Fact]
    public void A_drained_head_hands_over_when_the_next_one_has_its_weights()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", 400);
        var old = cluster.Replica.Head!;

        cluster.Drain(old.Node);
        cluster.Step();
        Assert.Equal(old, cluster.Replica.Head);

        cluster.Say(cluster.On("d"), WorkerState.Waiting);
        cluster.Step();
        Assert.True(cluster.On(old.Node).IsLeaving);
        Assert.Equal("d", cluster.Replica.Head!.Node);

        cluster.Say(cluster.On("d"), WorkerState.Ready);
        cluster.Step();
        cluster.AssertWhole();
        Assert.DoesNotContain(cluster.Deployment.Workers, worker => worker.Node == old.Node);
    }

    [Fact]
    public void A_drained_node_that_goes_before_its_successor_is_ready_is_replaced_by_it()
    {
        var cluster = ReadyCluster();
        cluster.Add("d", Third);
        var old = InventedCluster.Stages(cluster.Replica).First();
        cluster.Drain(old.Node);
        cluster.Step();

        cluster.Become(old.Node, NodeState.Stopped);
        cluster.Step();

        cluster.AssertWhole();
        Assert.Null(cluster.On("d").Replaces);
    }

    [Fact]
    public void Nodes_have_time_to_come_back_after_the_gateway_has_started()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third), ("d", Third));
        cluster.Step();
        var before = cluster.Replica;
        var away = InventedCluster.Stages(before).First();
        cluster.Become(away.Node, NodeState.Away);
        cluster.Now -= TimeSpan.FromMinutes(1);

        cluster.Step();
        Assert.Equal(before.Workers, cluster.Replica.Workers);

        cluster.Now += cluster.Options.Return;
        cluster.Step();
        Assert.DoesNotContain(away, cluster.Replica.Workers);
    }

    [Fact]
    public void A_second_deployment_finds_only_what_the_first_left()
    {
        var cluster = new InventedCluster(("a", 1000));
        cluster.Step();
        var taken = cluster.On("a").MemoryBytes;

        Assert.Equal((1000L << 20) - taken, cluster.View.FreeBytes(cluster.View.Find("a")!, new HashSet<string>()));
    }

    /// <summary>A model over three nodes, all of whose workers are ready.</summary>
    private static InventedCluster ReadyCluster()
    {
        var cluster = new InventedCluster(("a", Third), ("b", Third), ("c", Third));
        cluster.Step();
        cluster.BeReady();
        return cluster;
    }

    private static string DeploymentText(Cluster.Deployments.Deployment deployment) => Cluster.Deployments.DeploymentStore.Text(deployment);
}
