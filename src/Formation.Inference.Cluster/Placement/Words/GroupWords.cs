using Formation.Inference.Cluster.Placement.Search;

namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>What is to be said of groups that share each layer.</summary>
internal static class GroupWords
{
    /// <summary>What a group would bring to who did not ask for one.</summary>
    public static IEnumerable<string> Unasked(Candidate chosen, IReadOnlyList<Candidate> shared, PlacementRequest request)
    {
        if (request is not { GroupSize: 1, Runtime.TensorParallel: true })
            yield break;
        var best = shared.Where(candidate => candidate is { Stages: 1, IsLedByGroups: true, Replicas.Count: 1 }).MaxBy(candidate => candidate.Speed.OneStream);
        if (best is not null && best.Speed.OneStream > chosen.Speed.OneStream * (1 + request.LeastGain))
        {
            yield return $"{Figures.Count(best.NodeCount, "node")} that share each layer would give {Figures.Rate(best.Speed.OneStream)} tokens/s of one stream and "
                + $"{Figures.Rate(best.Speed.AllStreams)} of all; --tensor-parallel takes them, for tokens that may differ from one machine's";
        }
    }

    /// <summary>Why there is no group of the size that was asked for.</summary>
    public static string Fault(ModelShape model, PlacementRequest request, int nodes)
    {
        var size = request.GroupSize!.Value;
        if (!request.Runtime.TensorParallel)
            return "this version does not run groups that share each layer";
        if (request.Pins.Count > 0)
            return "nodes that share each layer can't have pinned layers";
        if (model.GroupSizes.Count == 0)
            return "the layers of this model can't be shared in equal parts";
        return model.GroupSizes.Contains(size)
            ? $"of {Figures.Count(nodes, "node")} that can be used, there are no {size} with enough memory whose ways to each other are measured and take no more than a site's"
            : $"{size} machines can't share the layers of this model in equal parts; {string.Join(", ", model.GroupSizes)} can";
    }
}
