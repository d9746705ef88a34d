namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>Why there is no group of the size that was asked for.</summary>
internal static class GroupWords
{
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
