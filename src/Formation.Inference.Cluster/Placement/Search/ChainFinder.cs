using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Finds the best chain for each number of stages: exactly for few places, else within a counted amount of work.</summary>
/// <param name="problem">What is placed.</param>
/// <param name="workLimit">Table entries for all numbers of stages together, where the search is not exact.</param>
internal sealed class ChainFinder(PlacementProblem problem, long workLimit = ChainFinder.DefaultWorkLimit)
{
    public const long DefaultWorkLimit = 40_000_000;

    // More stages than this are tried only where memory needs them.
    private const int MostStagesForSpeed = 12;

    private const int LeastUnpinned = 4;

    /// <summary>Table entries computed so far.</summary>
    public long Work { get; private set; }

    /// <summary>The best chain of each number of stages that fits, from the smallest number on.</summary>
    public IReadOnlyList<PlacedChain> BestByStages(IReadOnlyList<Place> places)
    {
        var pool = PoolOf(places);
        var isExact = IsExact(pool);
        var found = new List<PlacedChain>();
        var counts = StageCounts(pool, isExact).ToArray();
        foreach (var stages in counts)
            Search(stages, counts.Length);
        // Layers are not sand: what fits as a sum may still need another machine or two.
        var most = Math.Min(pool.Count, problem.Sums.Layers);
        for (var stages = counts.LastOrDefault(most) + 1; !isExact && problem.Request.Stages is null && found.Count == 0 && stages <= most; stages++)
            Search(stages, Math.Max(counts.Length, most - counts[^1]));
        return found;

        void Search(int stages, int parts)
        {
            var costs = problem.Chains(pool, stages);
            ChainSearch search = isExact ? new EveryOrder(costs) : new ImprovedOrders(costs, workLimit / parts);
            search.Run();
            Work += search.Work;
            if (search.Best is { } best)
                found.Add(PlacedChain.Of(best, pool));
        }
    }

    private static bool IsExact(IReadOnlyList<Place> pool) => pool.Count <= EveryOrder.MostPlaces || pool.Any(place => place.Pin is not null);

    // Beside pinned places few others are weighed, the fastest, so that their orders can be tried one by one.
    private IReadOnlyList<Place> PoolOf(IReadOnlyList<Place> places)
    {
        var pinned = places.Where(place => place.Pin is not null).ToArray();
        if (pinned.Length == 0 || places.Count <= EveryOrder.MostPlaces)
            return places;
        var isComplete = pinned.Sum(place => place.Pin!.Value.Count) == problem.Sums.Layers;
        var others = isComplete ? 0 : Math.Max(LeastUnpinned, EveryOrder.MostPlaces - pinned.Length);
        var step = problem.Decode(1);
        return
        [
            .. pinned,
            .. places.Where(place => place.Pin is null).OrderBy(place => step.Layers(place)[^1]).Take(others),
        ];
    }

    private IEnumerable<int> StageCounts(IReadOnlyList<Place> pool, bool isExact)
    {
        var pins = pool.Count(place => place.Pin is not null);
        var most = Math.Min(pool.Count, problem.Sums.Layers);
        if (problem.Request.Stages is { } asked)
            return asked <= most ? [asked] : [];
        if (isExact)
            return Enumerable.Range(Math.Max(1, pins), Math.Max(0, most - Math.Max(1, pins) + 1));
        var fewest = FewestStages(pool, most);
        if (fewest > most)
            return [];
        var wanted = Math.Min(MostStagesForSpeed, problem.SequencesThatCount);
        return Enumerable.Range(fewest, Math.Min(most, Math.Max(fewest + 2, wanted)) - fewest + 1);
    }

    // No chain can have fewer stages than the largest memories need together.
    private int FewestStages(IReadOnlyList<Place> pool, int most)
    {
        var needed = problem.Memory.Variable[^1];
        for (var stages = 1; stages <= most; stages++)
        {
            var count = stages;
            var rooms = pool.Select(place => Math.Max(0, problem.Memory.Room(place, place.MayFollow ? count - 1 : 0, count)))
                .OrderDescending().Take(stages).Aggregate((Int128)0, (sum, room) => sum + room);
            if (rooms >= needed)
                return stages;
        }
        return most + 1;
    }
}
