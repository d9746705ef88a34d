using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

/// <summary>The planner's search against every possibility, on small random clusters.</summary>
public sealed class OptimalityTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 120)];

    [Theory, MemberData(nameof(Seeds))]
    public void No_order_and_division_is_faster_than_the_plan(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed);
        var best = new EveryPlacement(model, request, nodes).BestRates();

        var result = Place(model, request, nodes);

        Assert.Equal(best.Count > 0, result.Plan is not null);
        if (result.Plan is null)
            return;
        Assert.Equal(best.Values.Max(), result.Plan.Speed.Of(request.Goal), best.Values.Max() * 1e-6);
        foreach (var plan in result.Alternatives.Append(result.Plan))
            Assert.Equal(best[plan.NodeCount], plan.Speed.Of(request.Goal), best[plan.NodeCount] * 1e-6);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void The_plan_is_never_slower_than_one_with_fewer_nodes(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed);
        var result = Place(model, request with { LeastGain = 0.05, Replicas = null }, nodes);

        foreach (var smaller in result.Alternatives.Where(plan => plan.NodeCount < result.Plan!.NodeCount))
            Assert.True(smaller.Speed.Of(request.Goal) < result.Plan!.Speed.Of(request.Goal));
    }

    [Theory, MemberData(nameof(Seeds))]
    public void No_stage_takes_more_than_its_node_offers(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed, mostNodes: 6, mostLayers: 12);
        var result = Place(model, request with { Replicas = null, Spares = seed % 2 }, nodes);

        foreach (var plan in result.Alternatives.Concat(result.Plan is null ? [] : [result.Plan]))
        {
            Assert.Equal(NodesOf(plan).Count, NodesOf(plan).Concat(plan.Spares.Select(spare => spare.Node)).Distinct().Count() - plan.Spares.Count);
            Assert.All(plan.Replicas.SelectMany(replica => replica.Stages), stage => Assert.True(stage.Memory.Total <= stage.FreeBytes));
            Assert.All(plan.Spares, spare => Assert.True(spare.Bytes <= spare.FreeBytes));
            foreach (var replica in plan.Replicas)
                Assert.Equal(
                    Enumerable.Range(0, model.Layers.Count),
                    replica.Stages.SelectMany(stage => Enumerable.Range(stage.Layers.First, stage.Layers.Count)));
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void More_memory_or_a_faster_node_never_makes_the_plan_slower(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed, mostNodes: 5, mostLayers: 10);
        var rate = Place(model, request, nodes).Plan?.Speed.Of(request.Goal) ?? 0;
        var which = seed % nodes.Count;

        foreach (var better in new Func<NodeOffer, NodeOffer>[]
        {
            node => node.With(report => report with { MemoryBytes = report.MemoryBytes * 2, FreeMemoryBytes = report.FreeMemoryBytes * 2 }),
            node => node.WithDevice(device => device with { ReadBytesPerSecond = device.ReadBytesPerSecond * 1.3 }),
            node => node.WithDevice(device => device with { MultiplyAddsPerSecond = device.MultiplyAddsPerSecond * 1.3 }),
            node => node.With(report => report with { Links = [.. report.Links.Select(link => link with { BytesPerSecond = link.BytesPerSecond * 2 })] }),
        })
        {
            var now = Place(model, request, [.. nodes.Select((node, i) => i == which ? better(node) : node)]).Plan?.Speed.Of(request.Goal) ?? 0;
            Assert.True(now >= rate * (1 - 1e-6), $"{now} after {rate}");
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void The_order_in_which_nodes_are_offered_changes_nothing(int seed)
    {
        var (model, request, nodes) = PlacementCases.Random(seed);
        var one = Place(model, request, nodes);
        var other = Place(model, request, [.. nodes.Reverse()]);

        Assert.Equal(one.Reasons, other.Reasons);
        Assert.Equal(one.LeftOut, other.LeftOut);
        Assert.Equal(one.Plan is null ? [] : NodesOf(one.Plan), other.Plan is null ? [] : NodesOf(other.Plan));
    }

    [Fact]
    public void With_many_nodes_the_plan_is_as_fast_as_the_best_of_the_few_that_matter()
    {
        // Six good nodes close to each other, and many slow ones far away: whatever else is offered, the exact plan of the six is found.
        var names = Enumerable.Range(0, 6).Select(i => $"good-{i}").ToArray();
        var good = names.Select((name, i) => Node(
            name, 300 * MiB, 20 + i, "eu", [.. names.Where(peer => peer != name).Select(peer => (peer, 0.3, 1000.0))])).ToArray();
        var slow = Enumerable.Range(0, 30).Select(i => Node($"slow-{i}", 300 * MiB, 2, "us"));
        var request = Request with { Concurrency = 4, Replicas = 1 };

        var exact = Plan(Model(), request, good);
        var found = Plan(Model(), request, [.. good, .. slow]);

        Assert.Equal(exact.Speed.AllStreams, found.Speed.AllStreams, exact.Speed.AllStreams * 0.01);
    }
}
