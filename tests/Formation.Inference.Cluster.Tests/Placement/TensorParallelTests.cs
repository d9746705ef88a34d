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
        Assert.Equal(8 * 32 * MiB + (32 * MiB), plan.Replicas[0].Stages[0].Memory.Weights);
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
    [InlineData(1.1, 8)]
    [InlineData(0.1, 3)]
    public void Machines_apart_and_heads_that_can_not_be_divided_share_nothing(double milliseconds, int kvHeads) =>
        Assert.DoesNotContain(
            Place(Model() with { KvHeadCount = kvHeads }, Asking, Near("a", milliseconds), Near("b", milliseconds)).Alternatives,
            plan => plan.NeedsTensorParallel);

    [Fact]
    public void A_way_that_nobody_measured_is_none_to_share_a_layer_over() =>
        Assert.DoesNotContain(Place(Model(), Asking, Node("a"), Node("b")).Alternatives, plan => plan.NeedsTensorParallel);

    private static NodeOffer Near(string name, double milliseconds) =>
        Node(name, links: [("a", milliseconds, 1200), ("b", milliseconds, 1200)]);
}
