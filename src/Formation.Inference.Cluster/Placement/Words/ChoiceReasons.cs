using Formation.Inference.Cluster.Placement.Search;

namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>Says why one plan was taken and not the others.</summary>
internal static class ChoiceReasons
{
    public static IEnumerable<string> Of(Candidate chosen, IReadOnlyList<Candidate> all, PlacementRequest request)
    {
        var others = all.Where(candidate => candidate != chosen).ToArray();
        yield return $"{NameOf(chosen)}: {SpeedOf(chosen, request)}";
        var smaller = others.Where(candidate => candidate.NodeCount < chosen.NodeCount).MaxBy(candidate => candidate.Rate);
        if (smaller is not null)
            yield return $"fewer machines are slower: {NameOf(smaller)} would give {SpeedOf(smaller, request)}";
        else if (chosen.NodeCount > 1)
            yield return "fewer machines have not the memory for what was asked";
        if (others.Where(candidate => candidate.NodeCount > chosen.NodeCount).MaxBy(candidate => candidate.Rate) is not { } larger)
            yield break;
        yield return larger.Rate <= chosen.Rate
            ? $"more machines are slower: {NameOf(larger)} would give {SpeedOf(larger, request)}"
            : $"{NameOf(larger)} would be {Figures.Percent((larger.Rate / chosen.Rate) - 1)} faster; "
                + $"a machine more that can fail is taken for more than {Figures.Percent(request.LeastGain)} only";
    }

    private static string NameOf(Candidate candidate) => candidate.Replicas.Count == 1
        ? Figures.Count(candidate.Stages, "stage")
        : $"{candidate.Replicas.Count} replicas on {Figures.Count(candidate.NodeCount, "node")}";

    private static string SpeedOf(Candidate candidate, PlacementRequest request) =>
        request.Goal == PlacementGoal.OneStream || request.Concurrency == 1
            ? $"{Figures.Rate(candidate.Speed.OneStream)} tokens/s, a token in {Figures.Time(1 / candidate.Speed.OneStream)}"
            : $"{Figures.Rate(candidate.Speed.AllStreams)} tokens/s of {request.Concurrency} streams, {Figures.Rate(candidate.Speed.OneStream)} of one";
}
