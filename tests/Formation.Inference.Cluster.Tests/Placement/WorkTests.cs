using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Placement.Search;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

/// <summary>What a search costs, in table entries: the same on every machine.</summary>
public sealed class WorkTests
{
    [Theory]
    [InlineData(7, 126, 1)]
    [InlineData(7, 126, 16)]
    [InlineData(200, 126, 1)]
    [InlineData(200, 126, 16)]
    [InlineData(200, 8, 64)]
    public void A_search_ends_within_its_work(int count, int layers, int sequences)
    {
        var random = new Random(count + layers + sequences);
        NodeOffer[] nodes = [.. Enumerable.Range(0, count).Select(i => Node(
            $"n{i}", random.Next(3000, 6000) * MiB, random.Next(5, 50), random.Next(2) == 0 ? "eu" : "us"))];
        var request = Request with { Concurrency = sequences };
        var links = new LinkTable(nodes, new CostAssumptions());
        var problem = new PlacementProblem(Model(layers), request, links, new CostAssumptions(), sequences);
        var finder = new ChainFinder(problem);

        var found = finder.BestByStages([.. nodes.Select(node => Costs.Place(node))]);

        Assert.NotEmpty(found);
        Assert.True(finder.Work < 100_000_000, $"{finder.Work} entries");
    }

    private static class Costs
    {
        public static Place Place(NodeOffer node) => Cluster.Placement.Costs.Place.Of(node, []);
    }
}
