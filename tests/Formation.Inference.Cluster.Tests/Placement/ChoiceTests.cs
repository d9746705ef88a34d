using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class ChoiceTests
{
    [Fact]
    public void One_node_with_room_for_all_is_faster_for_one_stream_than_two()
    {
        var result = Place(Model(), Request, Node("a"), Node("b"));

        var stage = Assert.Single(Assert.Single(result.Plan!.Replicas).Stages);
        Assert.Equal(new LayerSpan(0, 8), stage.Layers);
        Assert.Empty(result.Plan.Replicas[0].Links);
        Assert.Equal(2, Assert.Single(result.Alternatives).NodeCount);
        Assert.Contains("more machines are slower", string.Join("\n", result.Reasons));
        Assert.Matches("with it a token takes .* ms instead of .* ms", Assert.Single(result.LeftOut).Reason);
    }

    [Fact]
    public void A_model_that_no_node_holds_alone_is_divided_by_speed()
    {
        (string, double, double)[] near = [("a", 0.2, 1000), ("b", 0.2, 1000)];
        var plan = Plan(Model(), Request with { Concurrency = 8, Replicas = 1 }, Node("a", 800 * MiB, 30, links: near), Node("b", 800 * MiB, 10, links: near));

        Assert.Equal(["a", "b"], NodesOf(plan));
        Assert.True(plan.Replicas[0].Stages[0].Layers.Count > plan.Replicas[0].Stages[1].Layers.Count);
        Assert.Equal(["a", "b"], plan.Replicas[0].Links.Select(link => link.From));
    }

    [Fact]
    public void A_slow_fourth_node_is_left_out_and_the_reason_says_what_it_would_cost()
    {
        string[] names = ["a", "b", "c", "d"];
        (string, double, double)[] near = [.. names.Select(name => (name, 0.3, 500.0))];
        NodeOffer[] nodes = [.. names.Select(name => Node(name, 300 * MiB, name == "d" ? 1 : 20, links: near))];

        var result = Place(Model(), Request with { Replicas = 1 }, nodes);

        Assert.Equal(3, result.Plan!.NodeCount);
        var left = Assert.Single(result.LeftOut);
        Assert.Equal("d", left.Node);
        Assert.Matches("with it a token takes .* ms instead of .* ms", left.Reason);
    }

    [Fact]
    public void Streams_that_run_together_are_worth_a_second_node_where_one_stream_is_not()
    {
        (string, double, double)[] near = [("a", 0.2, 1000), ("b", 0.2, 1000)];
        NodeOffer[] nodes = [Node("a", links: near), Node("b", links: near)];
        var request = Request with { Replicas = 1, LeastGain = 0.05 };

        Assert.Equal(1, Plan(Model(), request, nodes).NodeCount);
        Assert.Equal(2, Plan(Model(), request with { Concurrency = 16 }, nodes).NodeCount);
        Assert.Equal(1, Plan(Model(), request with { Concurrency = 16, Goal = PlacementGoal.OneStream }, nodes).NodeCount);
    }

    [Fact]
    public void Where_the_whole_model_fits_on_each_node_replicas_beat_stages()
    {
        var plan = Plan(Model(), Request with { Concurrency = 16 }, Node("a"), Node("b"), Node("c"));

        Assert.Equal(3, plan.Replicas.Count);
        Assert.Equal(3, NodesOf(plan).Distinct().Count());
        Assert.All(plan.Replicas, replica => Assert.Equal(6, replica.Sequences));
        // There are 16 streams, not three times six.
        Assert.Equal(plan.Replicas.Sum(replica => replica.Speed.AllStreams) * 16 / 18, plan.Speed.AllStreams, 1e-6);
    }

    [Fact]
    public void Replicas_that_the_first_could_not_leave_room_for_are_found_by_sharing_evenly()
    {
        // Alone, the first replica would take the two roomy nodes, which only together with a small one each are enough for two.
        var needed = Plan(Model(), Request with { Stages = 2 }, Node("x"), Node("y")).Replicas[0].Stages.Sum(stage => stage.Memory.Total);
        var roomy = needed * 3 / 4;
        var small = needed * 2 / 4;
        NodeOffer[] nodes = [Node("a", roomy, 40), Node("b", roomy, 40), Node("c", small), Node("d", small)];

        var plan = Plan(Model(), Request with { Replicas = 2, Concurrency = 2 }, nodes);

        Assert.Equal(["a", "b", "c", "d"], NodesOf(plan).Order());
    }

    [Fact]
    public void A_machine_more_is_taken_only_for_more_than_the_least_gain()
    {
        (string, double, double)[] near = [("a", 0.2, 1000), ("b", 0.2, 1000)];
        NodeOffer[] nodes = [Node("a", links: near), Node("b", links: near)];
        var request = Request with { Concurrency = 16, Replicas = 1 };

        Assert.Equal(2, Plan(Model(), request, nodes).NodeCount);
        var result = Place(Model(), request with { LeastGain = 5 }, nodes);

        Assert.Equal(1, result.Plan!.NodeCount);
        Assert.Contains(result.Reasons, reason => reason.Contains("is taken for more than 500 % only", StringComparison.Ordinal));
        Assert.Contains("too little for one machine more that can fail", Assert.Single(result.LeftOut).Reason);
    }

    [Fact]
    public void A_number_of_stages_that_was_asked_for_is_kept_and_its_cost_said()
    {
        var result = Place(Model(), Request with { Stages = 2 }, Node("a"), Node("b"));

        Assert.Equal(2, result.Plan!.NodeCount);
        Assert.Contains(result.Reasons, reason => reason.Contains("left to itself, placement would take 1 stage", StringComparison.Ordinal));
    }

    [Fact]
    public void A_long_way_between_nodes_costs_a_token_its_round_trip()
    {
        (string, double, double)[] far = [("a", 20, 25), ("b", 20, 25)];
        var request = Request with { Stages = 2 };
        var near = Plan(Model(), request, Node("a", links: [("b", 0, 1e6)]), Node("b"));
        var plan = Plan(Model(), request, Node("a", links: far), Node("b", links: far));

        var bytes = 2 * 4 * 2048 / 25e6;
        Assert.Equal(0.020 + bytes, (1 / plan.Speed.OneStream) - (1 / near.Speed.OneStream), 1e-5);
        Assert.Contains(plan.Notes, note => note.Contains("are spent on links", StringComparison.Ordinal));
    }

    [Fact]
    public void The_slower_of_two_claims_about_a_link_counts()
    {
        var request = Request with { Stages = 2 };
        var honest = Plan(Model(), request, Node("a", links: ("b", 20, 25)), Node("b", links: ("a", 20, 25)));
        var boasting = Plan(Model(), request, Node("a", links: ("b", 0, 1e6)), Node("b", links: ("a", 20, 25)));

        Assert.Equal(honest.Speed.OneStream, boasting.Speed.OneStream, 1e-6);
    }

    [Fact]
    public void A_way_that_nobody_measured_is_assumed_and_said()
    {
        var plan = Plan(Model(), Request with { Stages = 2 }, Node("a", region: "eu"), Node("b", region: "us"));

        Assert.All(plan.Replicas[0].Links, link => Assert.False(link.IsMeasured));
        Assert.Contains(plan.Notes, note => note.Contains("was not measured", StringComparison.Ordinal));
        Assert.True(1 / plan.Speed.OneStream > 0.05);
    }

    [Fact]
    public void A_prompt_takes_longer_to_its_first_token_the_longer_it_is_and_less_where_chunks_follow_each_other()
    {
        NodeOffer[] nodes = [Node("a", links: ("b", 0.2, 1000)), Node("b")];
        var request = Request with
        {
            Pins = [new NodePin("a", new LayerSpan(0, 4)), new NodePin("b", new LayerSpan(4, 4))],
            PromptLength = 256,
            ContextLength = 2048,
            Runtime = new RuntimeAbilities { PipelinedPrefill = false },
        };

        var brief = Plan(Model(), request, nodes).Speed.FirstTokenSeconds;
        var longer = Plan(Model(), request with { PromptLength = 2048 }, nodes).Speed.FirstTokenSeconds;
        var piped = Plan(
            Model(), request with { PromptLength = 2048, Runtime = new RuntimeAbilities { PipelinedPrefill = true } }, nodes).Speed.FirstTokenSeconds;

        Assert.True(longer > 6 * brief);
        Assert.InRange(piped, longer / 2, longer * 0.75);
    }
}
