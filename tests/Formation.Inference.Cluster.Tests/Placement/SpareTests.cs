using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class SpareTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Theory, MemberData(nameof(Seeds))]
    public void A_spare_has_room_for_any_stage_and_none_of_its_own(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed, mostNodes: 6);
        var result = Place(model, request with { Spares = 1 }, nodes);
        if (result.Plan is null)
            return;

        var spare = Assert.Single(result.Plan.Spares);
        Assert.DoesNotContain(spare.Node, NodesOf(result.Plan));
        var free = nodes.Single(node => node.Report.Name == spare.Node).Report.FreeMemoryBytes;
        Assert.All(result.Plan.Replicas[0].Stages, stage => Assert.True(stage.Memory.Total <= free));
        Assert.Equal(result.Plan.Replicas[0].Stages.Max(stage => stage.Memory.Total), spare.Bytes);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void The_plan_beside_a_spare_is_the_best_that_leaves_one(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed);
        var best = 0.0;
        foreach (var spare in nodes)
        {
            // A stage may have no more memory than the spare: the same as nodes without more.
            var others = nodes.Where(node => node != spare).Select(node => node.With(report => report with
            {
                FreeMemoryBytes = Math.Min(report.FreeMemoryBytes, spare.Report.FreeMemoryBytes),
            }));
            best = Math.Max(best, new EveryPlacement(model, request, [.. others]).BestRates().Values.DefaultIfEmpty(0).Max());
        }

        var plan = Place(model, request with { Spares = 1 }, nodes).Plan;

        Assert.Equal(best, plan?.Speed.Of(request.Goal) ?? 0, best * 1e-6);
    }

    [Fact]
    public void A_spare_that_is_too_small_is_refused_with_the_bytes_that_it_lacks()
    {
        var stage = Plan(Model(), Request, Node("a")).Replicas[0].Stages[0].Memory.Total;
        var result = Place(Model(), Request with { Spares = 1, Stages = 1 }, Node("a"), Node("b", stage - 5));

        Assert.Null(result.Plan);
        Assert.Equal((5, "b"), (result.Shortfall!.MissingBytes, result.Shortfall.Node));
        Assert.Contains("so that it can take any stage", result.Reasons[0]);
    }

    [Fact]
    public void Of_two_spares_that_would_do_the_one_with_the_faster_token_after_a_loss_is_kept()
    {
        var plan = Plan(Model(), Request with { Spares = 1 }, Node("a", gigabytes: 40), Node("fast", gigabytes: 20), Node("slow", gigabytes: 2));

        Assert.Equal("fast", Assert.Single(plan.Spares).Node);
        Assert.True(plan.Spares[0].SecondsPerToken > 1 / plan.Speed.OneStream);
    }

    [Fact]
    public void Spares_are_kept_among_many_nodes_too()
    {
        NodeOffer[] nodes = [.. Enumerable.Range(0, 20).Select(i => Node($"n{i:00}", 280 * MiB, 10 + i))];
        var plan = Plan(Model(), Request with { Spares = 2, Replicas = 1 }, nodes);

        Assert.Equal(2, plan.Spares.Count);
        Assert.Empty(plan.Spares.Select(spare => spare.Node).Intersect(NodesOf(plan)));
    }
}
