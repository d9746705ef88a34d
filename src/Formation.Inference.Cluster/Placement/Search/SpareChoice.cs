using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Chooses spares: of the nodes that could take any stage, those with which a token takes least after the worst loss.</summary>
internal static class SpareChoice
{
    public static IReadOnlyList<SparePlan> Choose(Candidate candidate, IReadOnlyList<Place> places, int count) =>
        count == 0
            ? []
            : [.. CandidateFinder.SparesFor(candidate, places)
                .Select(place => new SparePlan(place.Name, candidate.LargestStage, place.FreeBytes, WorstToken(candidate, place)))
                .OrderBy(spare => spare.SecondsPerToken).ThenBy(spare => spare.Node, StringComparer.Ordinal)
                .Take(count)];

    private static double WorstToken(Candidate candidate, Place spare)
    {
        var step = candidate.Problem.Decode(1);
        return candidate.Replicas.Max(replica => Enumerable.Range(0, replica.Stages)
            .Max(lost => SpeedPredictor.Pass(step, replica with { Places = [.. replica.Places.Select((place, i) => i == lost ? spare : place)] }, 1)));
    }
}
