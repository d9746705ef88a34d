using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Placement.Search;
using Formation.Inference.Cluster.Placement.Words;

namespace Formation.Inference.Cluster.Placement;

/// <summary>
/// Takes the fastest plan that keeps every promise and every bound, and of two about as fast the one with fewer machines. Its model of cost and its
/// search: docs/adr/0016-placement.md.
/// </summary>
/// <param name="assumptions">What is taken for granted where nobody measured, or null for the defaults.</param>
public sealed class FastestPlacement(CostAssumptions? assumptions = null) : IPlacementPolicy
{
    private const int MostAlternatives = 12;

    private readonly CostAssumptions _assumptions = assumptions ?? new CostAssumptions();

    public string Name => "fastest";

    public PlacementResult Place(ModelShape model, PlacementRequest request, IReadOnlyList<NodeOffer> nodes)
    {
        RequestRules.Check(model, request);
        var (usable, leftOut) = OfferRules.Divide(nodes, request);
        if (FaultOfPins(request, usable, leftOut) is { } fault)
            return Nothing(leftOut, fault);
        if (usable.Count == 0)
            return Nothing(leftOut, nodes.Count == 0 ? "there is no node" : "no node can be used");

        var links = new LinkTable(usable, _assumptions);
        var finder = new CandidateFinder(model, request, links, _assumptions, usable);
        var places = finder.SinglePlaces;
        var candidates = finder.Find(places, request.Spares);
        var sizes = model.GroupSizes.Where(size => request.GroupSize is null or 1 || request.GroupSize == size);
        var shared = (request.TensorParallel || request.GroupSize > 1) && request.Pins.Count == 0
            ? TensorParallelGroups.Of(usable, sizes, request.GroupSize > 1, links, _assumptions)
                .SelectMany(groups => finder.Find(groups, request.Spares)).Where(candidate => candidate.SharesLayers).ToArray()
            : [];
        var groups = request.Runtime.TensorParallel && request.GroupSize != 1 ? shared : [];
        Candidate[] runnable = request.GroupSize > 1 ? Asked([.. groups.Where(candidate => candidate.IsLedByGroups)]) : [.. candidates, .. groups];
        if (request.GroupSize > 1 && runnable.Length == 0)
            return Nothing(leftOut, GroupWords.Fault(model, request, usable.Count));
        if (Choice.Among(runnable, request.LeastGain) is not { } chosen)
            return WithoutPlan(finder, places, leftOut, request);

        var builder = new PlanBuilder(links, places);
        var plan = builder.Build(chosen);
        var spares = plan.Spares.Select(spare => spare.Node).ToHashSet(StringComparer.Ordinal);
        var unused = places.Where(place => !chosen.Uses(place.Nodes[0]) && !spares.Contains(place.Name)).ToArray();
        return new PlacementResult
        {
            Policy = Name,
            Plan = plan,
            Alternatives =
            [
                .. candidates.Concat(shared).Where(candidate => candidate != chosen)
                    .OrderByDescending(candidate => candidate.Rate).Take(MostAlternatives).Select(builder.Build),
            ],
            LeftOut = [.. leftOut.Concat(LeftOutReasons.Of(chosen, unused)).OrderBy(node => node.Node, StringComparer.Ordinal)],
            Reasons = [.. ChoiceReasons.Of(chosen, runnable, request), .. GroupWords.Unasked(chosen, shared, request), .. AgainstWish(chosen, request, usable, links)],
        };
    }

    // Who asks for groups gets them for all layers, also beside a faster machine, where they have the memory.
    private static Candidate[] Asked(Candidate[] led) =>
        led.Where(candidate => candidate.Stages == 1).ToArray() is { Length: > 0 } whole ? whole : led;

    // Who asks for a number of stages gets it, and is told what it costs.
    private IEnumerable<string> AgainstWish(Candidate chosen, PlacementRequest request, IReadOnlyList<NodeOffer> usable, LinkTable links)
    {
        if (request.Stages is null && request.Pins.Count == 0)
            yield break;
        var free = request with { Stages = null, Pins = [] };
        var finder = new CandidateFinder(chosen.Problem.Model, free, links, _assumptions, usable);
        if (Choice.Among(finder.Find(finder.SinglePlaces, free.Spares), free.LeastGain) is { } better && better.Rate > chosen.Rate)
        {
            yield return $"left to itself, placement would take {Figures.Count(better.Stages, "stage")}, "
                + $"which is {Figures.Percent((better.Rate / chosen.Rate) - 1)} faster than what was asked for";
        }
    }

    private PlacementResult WithoutPlan(
        CandidateFinder finder, IReadOnlyList<Place> places, IReadOnlyList<NodeLeftOut> leftOut, PlacementRequest request)
    {
        if (request.Spares > 0 && finder.Find(places, 0) is { Count: > 0 } withoutSpares)
            return WithoutSpares(withoutSpares.MinBy(candidate => candidate.LargestStage)!, places, leftOut, request);
        if (request.Stages > places.Count)
            return Nothing(leftOut, $"{request.Stages} stages need {request.Stages} nodes, and {places.Count} can be used");
        if (request.Replicas > places.Count)
            return Nothing(leftOut, $"{request.Replicas} replicas need {request.Replicas} nodes at least, and {places.Count} can be used");
        if (request.Stages > finder.ProblemOf(1).Sums.Layers)
            return Nothing(leftOut, $"{request.Stages} stages need as many layers, and the model has {finder.ProblemOf(1).Sums.Layers}");

        var problem = finder.ProblemOf(request.Replicas ?? 1);
        if (request.Pins.Count > 0 && new ChainFinder(finder.ProblemOf(1)).BestByStages([.. places.Select(place => Costs.Place.Of(place.Nodes[0], []))]).Count > 0)
            return Nothing(leftOut, PinsThatDoNotFit(problem, places));
        var shortfall = ShortfallWords.Of(problem, places, leftOut);
        if (request.Replicas > 1 && shortfall.MissingBytes == 0)
            return Nothing(leftOut, $"one replica fits, but not {request.Replicas} on nodes of their own");
        return new PlacementResult
        {
            Policy = Name,
            LeftOut = leftOut,
            Shortfall = shortfall,
            Reasons = [ShortfallWords.Sentence(shortfall), .. shortfall.Helps],
        };
    }

    private PlacementResult WithoutSpares(
        Candidate candidate, IReadOnlyList<Place> places, IReadOnlyList<NodeLeftOut> leftOut, PlacementRequest request)
    {
        var unused = places.Where(place => !candidate.Uses(place.Nodes[0])).OrderByDescending(place => place.FreeBytes).ToArray();
        var having = unused.Count(place => place.FreeBytes >= candidate.LargestStage);
        var reason = $"the model fits, but not with {Figures.Count(request.Spares, "spare")}: a spare needs {Figures.Bytes(candidate.LargestStage)}, "
            + "so that it can take any stage";
        if (unused.FirstOrDefault(place => place.FreeBytes < candidate.LargestStage) is not { } nearest)
            return Nothing(leftOut, $"{reason}; {Figures.Count(having, "node")} without layers could be one");
        var missing = candidate.LargestStage - nearest.FreeBytes;
        return Nothing(leftOut, $"{reason}; {nearest.Name} has {Figures.Bytes(nearest.FreeBytes)}: {Figures.Bytes(missing)} are missing there") with
        {
            Shortfall = new MemoryShortfall(
                candidate.LargestStage, nearest.FreeBytes, nearest.Name, missing, null, [$"ask for fewer than {Figures.Count(request.Spares, "spare")}"]),
        };
    }

    private static string PinsThatDoNotFit(PlacementProblem problem, IReadOnlyList<Place> places)
    {
        foreach (var place in places.Where(place => place.Pin is not null).OrderBy(place => place.Pin!.Value.First))
        {
            var layers = place.Pin!.Value;
            var needed = problem.Memory.Variable[layers.End] - problem.Memory.Variable[layers.First]
                + problem.Memory.Fixed(Math.Min(layers.First, 1), Math.Max(problem.Request.Pins.Count, layers.First > 0 ? 2 : 1));
            if (needed > place.FreeBytes)
                return $"{place.Name} is pinned to {layers}, which take {Figures.Bytes(needed)}: {Figures.Bytes(needed - place.FreeBytes)} are missing there";
        }
        return "the model fits, but not with these pins: what they leave over finds no place";
    }

    private string? FaultOfPins(PlacementRequest request, IReadOnlyList<NodeOffer> usable, IReadOnlyList<NodeLeftOut> leftOut)
    {
        foreach (var pin in request.Pins)
        {
            if (usable.Any(node => node.Report.Name == pin.Node))
                continue;
            return leftOut.FirstOrDefault(node => node.Node == pin.Node) is { } other
                ? $"{pin.Node} is pinned and can't be used: {other.Reason}"
                : $"{pin.Node} is pinned, and there is no such node";
        }
        return null;
    }

    private PlacementResult Nothing(IReadOnlyList<NodeLeftOut> leftOut, string reason) =>
        new() { Policy = Name, LeftOut = leftOut, Reasons = [reason] };
}
