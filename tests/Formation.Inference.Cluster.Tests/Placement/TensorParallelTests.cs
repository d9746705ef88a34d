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

    private static PlacementRequest Forcing(int size) => Request with { GroupSize = size, Runtime = new RuntimeAbilities { TensorParallel = true } };

    private static NodeOffer Near(string name, double milliseconds) =>
        Node(name, links: [("a", milliseconds, 1200), ("b", milliseconds, 1200)]);
}
