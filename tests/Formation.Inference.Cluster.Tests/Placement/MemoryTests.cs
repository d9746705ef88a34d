using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

public sealed class MemoryTests
{
    [Fact]
    public void A_stage_is_counted_by_kind_to_the_byte()
    {
        var request = Request with
        {
            ContextLength = 1000,
            Concurrency = 3,
            LinkPrecision = LinkPrecision.BF16,
            Pins = [new NodePin("a", new LayerSpan(0, 3)), new NodePin("b", new LayerSpan(3, 5))],
        };
        var replica = Plan(Model(), request, Node("a"), Node("b")).Replicas[0];

        // 1000 positions are 63 blocks of 16, for each of three sequences; 515 rows, and two batches under way.
        const long positions = 63 * 16 * 3, rows = 515, activations = 2 * rows * 2048 * 4;
        Assert.Equal(63 * 3, replica.KvBlocks);
        Assert.Equal(
            new StageMemory(
                (3 * 64 * MiB) + (64 * MiB), positions * 3 * 4096, positions * 2048 * 2, (rows * (64 + 16) * 1024) + (8 * MiB) + activations),
            replica.Stages[0].Memory);
        Assert.Equal(new StageMemory(5 * 64 * MiB, positions * 5 * 4096, 0, (rows * 64 * 1024) + activations), replica.Stages[1].Memory);
    }

    [Fact]
    public void Exactly_enough_memory_is_enough_and_one_byte_less_is_refused_with_that_byte()
    {
        var needed = Plan(Model(), Request, Node("a")).Replicas[0].Stages[0].Memory.Total;

        Assert.Equal(needed, Plan(Model(), Request, Node("a", needed)).Replicas[0].Stages[0].Memory.Total);
        var refused = Place(Model(), Request, Node("a", needed - 1));

        Assert.Null(refused.Plan);
        Assert.Equal((1, "a", needed, needed - 1), (refused.Shortfall!.MissingBytes, refused.Shortfall.Node, refused.Shortfall.NeededBytes, refused.Shortfall.FreeBytes));
        Assert.Equal(new LayerSpan(7, 1), refused.Shortfall.Layers);
        Assert.Contains("1 bytes are missing on a", refused.Reasons[0]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_a_refusal_calls_missing_is_exactly_what_makes_a_plan_possible(int count)
    {
        NodeOffer[] nodes = [.. Enumerable.Range(0, count).Select(i => Node($"n{i}", (200 - (i * 7)) * MiB, 10 + i))];
        var model = Model(layers: 24);
        var shortfall = Place(model, Request, nodes).Shortfall!;

        Assert.Null(Place(model, Request, Given(shortfall.MissingBytes - 1)).Plan);
        Assert.NotNull(Place(model, Request, Given(shortfall.MissingBytes)).Plan);

        NodeOffer[] Given(long more) =>
        [
            .. nodes.Select(node => node.Report.Name != shortfall.Node ? node : node.With(report => report with
            {
                MemoryBytes = report.MemoryBytes + more,
                FreeMemoryBytes = report.FreeMemoryBytes + more,
            })),
        ];
    }

    [Fact]
    public void The_context_that_a_refusal_offers_fits()
    {
        var node = Node("a", 700 * MiB);
        var request = Request with { ContextLength = 8192, Concurrency = 4 };
        var result = Place(Model(), request, node);

        var words = Assert.Single(result.Shortfall!.Helps, help => help.StartsWith("a context of", StringComparison.Ordinal));
        var context = int.Parse(words.Split(' ')[3], System.Globalization.CultureInfo.InvariantCulture);
        Assert.NotNull(Place(Model(), request with { ContextLength = context }, node).Plan);
        Assert.True(context > 64);
    }

    [Fact]
    public void Asking_for_more_stages_or_replicas_than_there_are_nodes_or_layers_says_so()
    {
        Assert.Contains("3 stages need 3 nodes, and 2 can be used", Place(Model(), Request with { Stages = 3 }, Node("a"), Node("b")).Reasons[0]);
        Assert.Contains("3 replicas need 3 nodes at least", Place(Model(), Request with { Replicas = 3 }, Node("a"), Node("b")).Reasons[0]);
        Assert.Contains("the model has 1", Place(Model(layers: 1), Request with { Stages = 2 }, Node("a"), Node("b")).Reasons[0]);
        Assert.Equal("there is no node", Place(Model(), Request).Reasons[0]);
    }

    [Theory]
    [InlineData(LinkPrecision.F32, 576, 2304)]
    [InlineData(LinkPrecision.BF16, 576, 1152)]
    [InlineData(LinkPrecision.Q8, 576, 648)]
    [InlineData(LinkPrecision.Q8, 4096, 4608)]
    [InlineData(LinkPrecision.Q8, 33, 41)]
    public void A_row_of_activations_has_the_bytes_of_its_precision(LinkPrecision precision, int hidden, long bytes) =>
        Assert.Equal(bytes, precision.RowBytes(hidden));
}
