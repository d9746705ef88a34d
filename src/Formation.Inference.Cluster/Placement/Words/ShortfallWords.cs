using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Placement.Search;

namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>Says what is missing for a plan, and what would help.</summary>
internal static class ShortfallWords
{
    // Enough for an answer about a handful of nodes; for many it is an estimate on the safe side.
    private const long TrialWork = 2_000_000;

    public static MemoryShortfall Of(PlacementProblem problem, IReadOnlyList<Place> places, IReadOnlyList<NodeLeftOut> leftOut)
    {
        var found = ShortfallFinder.Find(problem, places);
        return new MemoryShortfall(
            found.NeededBytes, found.FreeBytes, found.Place.Name, found.MissingBytes, found.Layers, [.. Helps(problem, places, found, leftOut)]);
    }

    public static string Sentence(MemoryShortfall shortfall) =>
        $"{Figures.Bytes(shortfall.NeededBytes)} are needed and {Figures.Bytes(shortfall.FreeBytes)} are free on the nodes that come closest; "
        + (shortfall.Layers is { } layers ? $"{layers} {(layers.Count == 1 ? "finds" : "find")} no place: " : "")
        + $"{Figures.Bytes(shortfall.MissingBytes)} are missing on {shortfall.Node}";

    private static IEnumerable<string> Helps(
        PlacementProblem problem, IReadOnlyList<Place> places, Shortfall found, IReadOnlyList<NodeLeftOut> leftOut)
    {
        var request = problem.Request;
        yield return $"give {found.Place.Name} {Figures.Bytes(found.MissingBytes)} more, or add a node";
        if (Largest(request.ContextLength, value => Fits(request with { ContextLength = value })) is { } context)
            yield return $"a context of {context} positions would fit";
        if (request.Concurrency > 1 && Largest(request.Concurrency, value => Fits(request with { Concurrency = value })) is { } sequences)
            yield return $"{Figures.Count(sequences, "sequence")} at once would fit";
        if (problem.Model.KvFormat == "f16")
            yield return "keys and values as q8_0 take about half of their bytes";
        if (leftOut.Count > 0)
            yield return $"{Figures.Count(leftOut.Count, "node")} can't be used; see why";

        bool Fits(PlacementRequest tried)
        {
            var trial = new PlacementProblem(problem.Model, tried, problem.Links, problem.Assumptions, tried.Concurrency);
            return new ChainFinder(trial, TrialWork).BestByStages(places).Count > 0;
        }
    }

    // Halving: what fits at a number fits below it, too.
    private static int? Largest(int tooMany, Func<int, bool> fits)
    {
        var (low, high) = (0, tooMany);
        while (high - low > Math.Max(1, tooMany / 64))
        {
            var middle = low + ((high - low) / 2);
            if (fits(middle))
                low = middle;
            else
                high = middle;
        }
        return low > 0 ? low : null;
    }
}
