using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Finds the best plan of each kind: by number of replicas and of stages, with room for the spares that were asked for.</summary>
internal sealed class CandidateFinder(
    ModelShape model, PlacementRequest request, LinkTable links, CostAssumptions assumptions, IReadOnlyList<NodeOffer> nodes)
{
    // More replicas than this are planned where somebody asks for them, not tried out.
    private const int MostReplicasTried = 16;

    private readonly Dictionary<int, PlacementProblem> _problems = [];

    /// <summary>The problem with so many replicas.</summary>
    public PlacementProblem ProblemOf(int replicas)
    {
        var sequences = (request.Concurrency + replicas - 1) / replicas;
        if (!_problems.TryGetValue(sequences, out var problem))
            _problems[sequences] = problem = new PlacementProblem(model, request, links, assumptions, sequences);
        return problem;
    }

    /// <summary>Places that are single nodes.</summary>
    public IReadOnlyList<Place> SinglePlaces => [.. nodes.Select(node => Place.Of(node, request.Pins))];

    /// <summary>The best plans, one of each kind.</summary>
    /// <param name="places">Where stages may stand.</param>
    /// <param name="spares">Machines to keep free that could take any stage.</param>
    public IReadOnlyList<Candidate> Find(IReadOnlyList<Place> places, int spares)
    {
        var best = new SortedDictionary<(int Replicas, int Stages), Candidate>();
        foreach (var reserved in Reservations(places, spares))
        {
            // Among many nodes a choice of spares that works is good enough.
            if (best.Count > 0 && places.Count > EveryOrder.MostPlaces)
                break;
            var most = reserved.Select(place => place.FreeBytes).DefaultIfEmpty(long.MaxValue).Min();
            IReadOnlyList<Place> pool = [.. places.Except(reserved).Select(place => place.Within(most))];
            foreach (var candidate in FindIn(pool))
            {
                var key = (candidate.Replicas.Count, candidate.Replicas.Count == 1 ? candidate.Stages : 0);
                if (HasSpares(candidate, places, spares) && (!best.TryGetValue(key, out var other) || candidate.Rate > other.Rate))
                    best[key] = candidate;
            }
        }
        return [.. best.Values];
    }

    /// <summary>Nodes without layers that could take any stage of a plan.</summary>
    public static IEnumerable<Place> SparesFor(Candidate candidate, IReadOnlyList<Place> places) =>
        places.Where(place => place.Pin is null && place.Nodes.Count == 1
            && !candidate.Uses(place.Nodes[0]) && place.FreeBytes >= candidate.LargestStage);

    private static bool HasSpares(Candidate candidate, IReadOnlyList<Place> places, int spares) =>
        spares == 0 || SparesFor(candidate, places).Take(spares).Count() == spares;

    private IEnumerable<Candidate> FindIn(IReadOnlyList<Place> pool)
    {
        if (request.Replicas is null or 1)
        {
            foreach (var chain in new ChainFinder(ProblemOf(1)).BestByStages(pool))
                yield return new Candidate(ProblemOf(1), [chain]);
        }
        if (request.Replicas is { } asked)
        {
            if (asked > 1 && FindReplicas(pool, asked) is { } candidate)
                yield return candidate;
            yield break;
        }
        if (request.Pins.Count > 0 || request.Goal == PlacementGoal.OneStream)
            yield break;
        var rate = 0.0;
        for (var replicas = 2; replicas <= Math.Min(Math.Min(request.Concurrency, pool.Count), MostReplicasTried); replicas++)
        {
            if (FindReplicas(pool, replicas) is not { } candidate || candidate.Rate <= rate)
                yield break;
            rate = candidate.Rate;
            yield return candidate;
        }
    }

    private Candidate? FindReplicas(IReadOnlyList<Place> pool, int replicas) =>
        OneAfterTheOther(pool, replicas) ?? InEvenGroups(pool, replicas);

    // Each replica takes the best of what the ones before have left.
    private Candidate? OneAfterTheOther(IReadOnlyList<Place> pool, int replicas)
    {
        var problem = ProblemOf(replicas);
        var chains = new List<PlacedChain>();
        var left = pool.ToList();
        while (chains.Count < replicas)
        {
            if (BestOf(problem, left, replicas) is not { } chain)
                return null;
            chains.Add(chain);
            left.RemoveAll(place => chain.Places.Contains(place));
        }
        return new Candidate(problem, chains);
    }

    // Where the first ones would take too much, the nodes are dealt out like cards, the largest memories first.
    private Candidate? InEvenGroups(IReadOnlyList<Place> pool, int replicas)
    {
        var problem = ProblemOf(replicas);
        var groups = Enumerable.Range(0, replicas).Select(_ => new List<Place>()).ToArray();
        foreach (var place in pool.OrderByDescending(place => place.FreeBytes))
            groups.MinBy(group => group.Sum(member => (double)member.FreeBytes))!.Add(place);
        var chains = groups.Select(group => BestOf(problem, group, replicas)).ToArray();
        return chains.All(chain => chain is not null) ? new Candidate(problem, chains!) : null;
    }

    // All replicas of one number share a part of the work, because several numbers are tried.
    private static PlacedChain? BestOf(PlacementProblem problem, IReadOnlyList<Place> places, int replicas)
    {
        var chains = new ChainFinder(problem, ChainFinder.DefaultWorkLimit / 4 / replicas).BestByStages(places);
        return Choice.Among([.. chains.Select(chain => new Candidate(problem, [chain]))], problem.Request.LeastGain)?.Replicas[0];
    }

    // Few nodes: every choice of spares. Many: those that are left over anyway, then the largest memories, of all and of the slower half.
    private IEnumerable<IReadOnlyList<Place>> Reservations(IReadOnlyList<Place> places, int spares)
    {
        if (spares == 0)
            return [[]];
        var free = places.Where(place => place.Pin is null && place.Nodes.Count == 1).ToArray();
        if (free.Length < spares)
            return [];
        if (places.Count <= EveryOrder.MostPlaces)
            return Subsets(free, spares);
        var step = ProblemOf(1).Decode(1);
        var bySpeed = free.OrderByDescending(place => step.Layers(place)[^1]).ToArray();
        var slower = bySpeed[..Math.Max(spares, bySpeed.Length / 2)];
        return
        [
            [],
            [.. free.OrderByDescending(place => place.FreeBytes).Take(spares)],
            [.. slower.OrderByDescending(place => place.FreeBytes).Take(spares)],
        ];
    }

    private static IEnumerable<IReadOnlyList<Place>> Subsets(Place[] places, int count)
    {
        if (count == 0)
            return [[]];
        return Enumerable.Range(0, places.Length - count + 1)
            .SelectMany(first => Subsets(places[(first + 1)..], count - 1).Select(rest => (IReadOnlyList<Place>)[places[first], .. rest]));
    }
}
