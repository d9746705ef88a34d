using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class TensorParallelTests
{
    private static readonly PlacementRequest Asking = Request with { TensorParallel = true };

    [Fact]
    public void Two_machines_that_share_layers_are_shown_but_not_taken_before_the_program_can_run_them()
    {
        var result = Place(Model(), Asking, Near("a", 0.1), Near("b", 0.1));

        Assert.False(result.Plan!.NeedsTensorParallel);
        var shared = Assert.Single(result.Alternatives, plan => plan.NeedsTensorParallel);
        Assert.Equal(["a", "b"], shared.Replicas[0].Stages[0].Nodes);
        Assert.True(shared.Speed.OneStream > 1.5 * result.Plan.Speed.OneStream);
        Assert.Contains("does not run yet", shared.Notes[0]);
    }

    [Fact]
    public void They_are_taken_once_it_can()
    {
        var plan = Plan(Model(), Asking with { Runtime = new RuntimeAbilities { TensorParallel = true } }, Near("a", 0.1), Near("b", 0.1));

        Assert.True(plan.NeedsTensorParallel);
        // Half of each layer, and the ends, which the leader has.
        Assert.Equal((8 * 32 * MiB) + (64 * MiB), plan.Replicas[0].Stages[0].Memory.Weights);
    }

    [Fact]
    public void Each_layer_costs_two_exchanges_between_them()
    {
        var near = Shared(0.1).Replicas[0].Stages[0].SecondsPerToken;
        var farther = Shared(0.9).Replicas[0].Stages[0].SecondsPerToken;

        // Half a round trip for each of two exchanges in each of eight layers.
        Assert.Equal(8 * 2 * 0.8e-3 / 2, farther - near, 1e-6);

        static PlacementPlan Shared(double milliseconds) =>
            Place(Model(), Asking, Near("a", milliseconds), Near("b", milliseconds)).Alternatives.Single(plan => plan.NeedsTensorParallel);
    }

    [Theory]
    [InlineData(1.1, 2)]
    [InlineData(0.1, 4)]
    public void Machines_apart_and_layers_that_can_not_be_divided_share_nothing(double milliseconds, int size) =>
        Assert.DoesNotContain(
            Place(Model() with { GroupSizes = [size] }, Asking, Near("a", milliseconds), Near("b", milliseconds)).Alternatives,
            plan => plan.NeedsTensorParallel);

    [Fact]
    public void A_way_that_nobody_measured_is_none_to_share_a_layer_over() =>
        Assert.DoesNotContain(Place(Model(), Asking, Node("a"), Node("b")).Alternatives, plan => plan.NeedsTensorParallel);

    [Fact]
    public void Who_asks_for_a_group_gets_one_and_no_other()
    {
        var plan = Plan(Model(), Forcing(2), Near("a", 0.1), Near("b", 0.1), Node("c", gigabytes: 500));

        var stage = Assert.Single(Assert.Single(plan.Replicas).Stages);
        Assert.Equal(["a", "b"], stage.Nodes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_group_of_one_is_none() =>
        Assert.False(Plan(Model(), Forcing(1) with { TensorParallel = true }, Near("a", 0.1), Near("b", 0.1)).NeedsTensorParallel);

    [Fact]
    public void Who_asks_for_none_is_told_what_one_would_bring()
    {
        var result = Place(Model(), Forcing(1) with { TensorParallel = true }, Near("a", 0.1), Near("b", 0.1));

        Assert.Contains(result.Alternatives, plan => plan.NeedsTensorParallel);
        Assert.Contains(result.Reasons, reason => reason.StartsWith("2 nodes that share each layer would give", StringComparison.Ordinal));
        Assert.DoesNotContain(Place(Model(), Forcing(1), Near("a", 0.1), Near("b", 0.1)).Reasons, reason => reason.Contains("share each layer"));
    }

    [Fact]
    public void Who_leaves_it_to_placement_gets_a_group_where_it_is_faster_and_none_where_it_is_not()
    {
        var any = Forcing(1) with { GroupSize = null, TensorParallel = true };

        Assert.True(Plan(Model(), any, Near("a", 0.1), Near("b", 0.1)).NeedsTensorParallel);
        Assert.False(Plan(Model(), any, Near("a", 0.1), Near("b", 0.1), Node("c", gigabytes: 500)).NeedsTensorParallel);
    }

    [Theory]
    [InlineData(3, 0.1, "3 machines can't share the layers of this model in equal parts; 2, 4, 8 can")]
    [InlineData(2, 1.1, "no 2 with enough memory")]
    public void Where_there_is_no_such_group_the_reason_is_said(int size, double milliseconds, string reason)
    {
        var result = Place(Model(), Forcing(size), Near("a", milliseconds), Near("b", milliseconds));

        Assert.Null(result.Plan);
        Assert.Contains(reason, Assert.Single(result.Reasons));
    }

    [Fact]
    public void Behind_a_group_that_has_not_the_memory_for_all_layers_other_nodes_have_the_rest()
    {
        var plan = Plan(Model(), Forcing(2), Near("a", 0.1, 250), Near("b", 0.1, 250), Near("c", 0.1, 600));

        var stages = Assert.Single(plan.Replicas).Stages;
        Assert.Equal(["a", "b"], stages[0].Nodes.Order(StringComparer.Ordinal));
        Assert.Equal(["c"], stages[1].Nodes);
        Assert.Equal((0, stages[0].Layers.Count, 8), (stages[0].Layers.First, stages[1].Layers.First, stages[1].Layers.End));
        Assert.True(stages[0].Memory.Total <= 250 * MiB);
        // Half of each of the first layers, and the ends; the leader keeps what came in and what it sent on.
        Assert.Equal((stages[0].Layers.Count * 32 * MiB) + (64 * MiB), stages[0].Memory.Weights);
        Assert.Equal(2 * 1024 * sizeof(float) * 2048, stages[0].Memory.Boundary);
    }

    [Fact]
    public void Nodes_of_what_could_be_another_group_may_have_the_layers_behind_the_first_one()
    {
        string[] site = ["a", "b", "c", "d"];

        var plan = Plan(Model(), Forcing(2) with { Replicas = 1 }, [.. site.Select(name => Within(site, name, 0.1, 280))]);

        Assert.Equal([2, 1, 1], Assert.Single(plan.Replicas).Stages.Select(stage => stage.Nodes.Count));
    }

    [Fact]
    public void Placement_takes_a_group_with_nodes_behind_it_where_that_is_faster_than_a_chain_of_single_ones()
    {
        var any = Forcing(1) with { GroupSize = null, TensorParallel = true, Goal = PlacementGoal.OneStream, Concurrency = 1 };
        NodeOffer[] nodes = [Near("a", 0.1, 350), Near("b", 0.1, 350), Near("c", 0.1, 350)];

        var result = Place(Model(), any, nodes);

        Assert.Equal([2, 1], Assert.Single(result.Plan!.Replicas).Stages.Select(stage => stage.Nodes.Count));
        var single = result.Alternatives.Where(plan => !plan.NeedsTensorParallel).Max(plan => plan.Speed.OneStream);
        Assert.True(result.Plan.Speed.OneStream > single);
    }

    [Fact]
    public void A_group_has_the_first_layers_or_none()
    {
        // A head that is fast and small, and a pair behind it that would bring more where the layers are.
        NodeOffer[] nodes = [Near("a", 0.1, 2000), Near("b", 0.1, 2000), Node("c", 150 * MiB, 200, links: [("a", 0.1, 1200), ("b", 0.1, 1200)])];
        var any = Forcing(1) with { GroupSize = null, TensorParallel = true, Stages = 2 };

        var result = Place(Model(), any, nodes);

        foreach (var plan in result.Alternatives.Append(result.Plan!))
            Assert.All(plan.Replicas, replica => Assert.All(replica.Stages.Skip(1), stage => Assert.Single(stage.Nodes)));
    }

    private static PlacementRequest Forcing(int size) => Request with { GroupSize = size, Runtime = new RuntimeAbilities { TensorParallel = true } };

    private static NodeOffer Near(string name, double milliseconds, long mebibytes = 4096) => Within(["a", "b"], name, milliseconds, mebibytes);

    private static NodeOffer Within(string[] site, string name, double milliseconds, long mebibytes) =>
        Node(name, mebibytes * MiB, links: [.. site.Select(peer => (peer, milliseconds, 1200.0))]);
}
