using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Placement.Search;

namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>Says of each usable node without a part why it has none: what the plan would be with it.</summary>
internal static class LeftOutReasons
{
    // Each costs a search around the plan; a reason for the first ones is worth it, for hundreds it is not.
    private const int MostCompared = 40;

    public static IEnumerable<NodeLeftOut> Of(Candidate chosen, IReadOnlyList<Place> unused)
    {
        for (var i = 0; i < unused.Count; i++)
            yield return new NodeLeftOut(unused[i].Name, i < MostCompared ? ReasonOf(chosen, unused[i]) : "it was not needed");
    }

    private static string ReasonOf(Candidate chosen, Place place)
    {
        var problem = chosen.Problem;
        var best = 0.0;
        foreach (var replica in chosen.Replicas)
        {
            if (BestWith(problem, replica, place) is not { } chain)
                continue;
            var with = new Candidate(problem, [.. chosen.Replicas.Select(other => other == replica ? chain : other)]);
            best = Math.Max(best, with.Rate);
        }
        if (best == 0)
            return $"it has no room for a part of this plan: {Figures.Bytes(place.FreeBytes)} are free";
        var isOne = problem.Request.Goal == PlacementGoal.OneStream || problem.Request.Concurrency == 1;
        var comparison = isOne
            ? $"with it a token takes {Figures.Time(1 / best)} instead of {Figures.Time(1 / chosen.Rate)}"
            : $"with it {problem.Request.Concurrency} streams get {Figures.Rate(best)} tokens/s together instead of {Figures.Rate(chosen.Rate)}";
        return best > chosen.Rate
            ? $"{comparison}: too little for one machine more that can fail"
            : comparison;
    }

    // The best of the chains in which it stands before, behind or in place of a stage.
    private static PlacedChain? BestWith(PlacementProblem problem, PlacedChain replica, Place place)
    {
        IReadOnlyList<Place> places = [.. replica.Places, place];
        var (added, members) = (replica.Stages, Enumerable.Range(0, replica.Stages).ToArray());
        var search = new OrdersAround(problem.Chains(places, replica.Stages), Replaced());
        search.Run();
        var best = search.Best;
        if (problem.Request.Stages is null && replica.Stages < problem.Sums.Layers)
        {
            var longer = new OrdersAround(problem.Chains(places, replica.Stages + 1), Inserted());
            longer.Run();
            if (best is null || longer.Best?.RoundSeconds < best.RoundSeconds)
                best = longer.Best;
        }
        return best is null ? null : PlacedChain.Of(best, places);

        IEnumerable<int[]> Replaced() =>
            members.Where(i => replica.Places[i].Pin is null).Select(i => members.Select(member => member == i ? added : member).ToArray());

        IEnumerable<int[]> Inserted() =>
            Enumerable.Range(0, members.Length + 1).Select(i => (int[])[.. members[..i], added, .. members[i..]]);
    }

    private sealed class OrdersAround(ChainCosts costs, IEnumerable<int[]> orders) : ChainSearch(costs)
    {
        public override void Run()
        {
            foreach (var order in orders)
                Take(order);
        }
    }
}
