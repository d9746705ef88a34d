using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class ConstraintTests
{
    [Fact]
    public void Layers_and_spares_stay_in_the_regions_that_were_asked_for()
    {
        NodeOffer[] nodes =
        [
            Node("eu-1", 520 * MiB, region: "eu"), Node("eu-2", 520 * MiB, region: "eu"), Node("eu-3", 520 * MiB, region: "eu"),
            Node("us-1", gigabytes: 100, region: "us"), Node("nowhere", gigabytes: 100),
        ];

        var result = Place(Model(), Request with { Regions = ["eu"], Spares = 1 }, nodes);

        Assert.Equal(["eu-1", "eu-2", "eu-3"], NodesOf(result.Plan!).Concat(result.Plan!.Spares.Select(spare => spare.Node)).Order());
        Assert.Equal("it stands in region us, not in eu", result.LeftOut.Single(node => node.Node == "us-1").Reason);
        Assert.Equal("it stands in no named region, not in eu", result.LeftOut.Single(node => node.Node == "nowhere").Reason);
    }

    [Fact]
    public void A_spare_outside_of_the_region_does_not_count()
    {
        var result = Place(
            Model(), Request with { Regions = ["eu"], Spares = 1 }, Node("eu-1", 800 * MiB, region: "eu"), Node("us-1", region: "us"));

        Assert.Null(result.Plan);
        Assert.Contains("the model fits, but not with 1 spare", Assert.Single(result.Reasons));
    }

    [Fact]
    public void Only_trusted_nodes_with_the_labels_that_are_not_being_drained_get_layers()
    {
        var good = Node("good", gigabytes: 5) with { IsTrusted = true, Labels = ["ssd", "rack=3"] };
        var result = Place(
            Model(),
            Request with { TrustedOnly = true, Labels = ["rack=3"] },
            good,
            Node("stranger") with { Labels = ["rack=3"] },
            Node("bare") with { IsTrusted = true },
            Node("leaving") with { IsTrusted = true, Labels = ["rack=3"], IsDraining = true },
            Node("gone", free: 0) with { IsTrusted = true, Labels = ["rack=3"], IsConnected = false });

        Assert.Equal(["good"], NodesOf(result.Plan!));
        Assert.Equal(
            [
                new NodeLeftOut("bare", "it does not have the label rack=3"),
                new NodeLeftOut("gone", "it is not connected now"),
                new NodeLeftOut("leaving", "it is being drained"),
                new NodeLeftOut("stranger", "its operator is not trusted, and only trusted nodes were asked for"),
            ],
            result.LeftOut);
    }

    [Fact]
    public void Pinned_nodes_get_exactly_their_layers_and_the_rest_is_placed_around_them()
    {
        NodeOffer[] nodes = [Node("a"), Node("b"), Node("c", gigabytes: 1)];
        var plan = Plan(Model(), Request with { Pins = [new NodePin("c", new LayerSpan(3, 2))] }, nodes);

        var stages = plan.Replicas[0].Stages;
        Assert.Equal(3, stages.Count);
        Assert.Equal((new LayerSpan(3, 2), "c"), (stages[1].Layers, stages[1].Nodes[0]));
    }

    [Fact]
    public void Pins_that_cover_the_model_are_the_plan()
    {
        NodeOffer[] nodes = [.. Enumerable.Range(0, 12).Select(i => Node($"n{i}"))];
        var pins = Enumerable.Range(0, 8).Select(i => new NodePin($"n{11 - i}", new LayerSpan(i, 1))).ToArray();

        var result = Place(Model(), Request with { Pins = pins }, nodes);

        Assert.Equal(pins.Select(pin => pin.Node), NodesOf(result.Plan!));
        Assert.Contains(result.Reasons, reason => reason.Contains("left to itself", StringComparison.Ordinal));
    }

    [Fact]
    public void Pins_that_can_not_be_kept_are_refused_with_the_reason()
    {
        var pins = Request with { Pins = [new NodePin("a", new LayerSpan(0, 8))] };

        var needed = Plan(Model(), pins, Node("a")).Replicas[0].Stages[0].Memory.Total;
        Assert.Matches(
            @"a is pinned to layers 0-7, which take .*: 1\.0 KiB \(1,024 bytes\) are missing there",
            Place(Model(), pins, Node("a", needed - 1024), Node("b")).Reasons[0]);
        Assert.Equal("a is pinned, and there is no such node", Place(Model(), pins, Node("b")).Reasons[0]);
        Assert.Equal(
            "a is pinned and can't be used: it is being drained", Place(Model(), pins, Node("a") with { IsDraining = true }).Reasons[0]);
    }

    [Fact]
    public void Requests_that_make_no_sense_are_refused_by_name()
    {
        NodeOffer[] nodes = [Node("a"), Node("b")];
        LayerSpan Layers(int first, int count) => new(first, count);

        Refused("context: 0 is not", Request with { ContextLength = 0 });
        Refused("concurrency: -1 is not", Request with { Concurrency = -1 });
        Refused("more bytes than can be counted", Request with { ContextLength = 1 << 27, Concurrency = 1 << 16 });
        Refused("both pinned to layer 2", Request with { Pins = [new NodePin("a", Layers(0, 3)), new NodePin("b", Layers(2, 2))] });
        Refused("pinned twice", Request with { Pins = [new NodePin("a", Layers(0, 3)), new NodePin("a", Layers(3, 2))] });
        Refused("the model has layers 0-7", Request with { Pins = [new NodePin("a", Layers(6, 3))] });
        Refused("the model has layers 0-7", Request with { Pins = [new NodePin("a", Layers(int.MaxValue, int.MaxValue))] });
        Refused("several replicas", Request with { Replicas = 2, Pins = [new NodePin("a", Layers(0, 8))] });
        Refused("1 stages asked for", Request with { Stages = 1, Pins = [new NodePin("a", Layers(0, 3)), new NodePin("b", Layers(3, 5))] });
        Refused("least gain of NaN", Request with { LeastGain = double.NaN });

        void Refused(string words, PlacementRequest request) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(() => Place(Model(), request, nodes)).Message);
    }

    [Fact]
    public void A_model_without_layers_or_with_absurd_sizes_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Place(Model() with { Layers = [] }, Request, Node("a")));
        Assert.Throws<ArgumentException>(() => Place(Model(layerBytes: long.MaxValue), Request, Node("a")));
        Assert.Throws<ArgumentException>(() => Place(Model(kvBytes: -1), Request, Node("a")));
    }
}
