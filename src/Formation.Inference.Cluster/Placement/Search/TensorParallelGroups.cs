using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Groups of machines that could share each layer: as many as divide the KV heads, all within one site.</summary>
internal static class TensorParallelGroups
{
    private static readonly int[] Sizes = [2, 4, 8];

    /// <summary>For each size of group the places that there are then: groups, and the nodes that are left over.</summary>
    public static IEnumerable<IReadOnlyList<Place>> Of(
        IReadOnlyList<NodeOffer> nodes, int kvHeads, LinkTable links, CostAssumptions assumptions)
    {
        foreach (var size in Sizes.Where(size => kvHeads % size == 0 && size <= nodes.Count))
        {
            var (groups, single) = Divide(nodes, size, links, assumptions);
            if (groups.Count > 0)
                yield return [.. groups.Select(group => Place.Group(group, links)), .. single.Select(node => Place.Of(node, []))];
        }
    }

    // From the fastest node on, each takes its nearest in speed that are near to all of the group.
    private static (List<IReadOnlyList<NodeOffer>> Groups, List<NodeOffer> Single) Divide(
        IReadOnlyList<NodeOffer> nodes, int size, LinkTable links, CostAssumptions assumptions)
    {
        var left = nodes.OrderByDescending(node => OfferRules.DeviceOf(node.Report).ReadBytesPerSecond).ToList();
        var (groups, single) = (new List<IReadOnlyList<NodeOffer>>(), new List<NodeOffer>());
        while (left.Count > 0)
        {
            var group = new List<NodeOffer> { left[0] };
            foreach (var node in left.Skip(1))
            {
                if (group.Count < size && group.All(member => IsNear(member, node)))
                    group.Add(node);
            }
            if (group.Count == size)
                groups.Add(group);
            else
                single.Add(left[0]);
            left.RemoveAll(node => group.Count == size ? group.Contains(node) : ReferenceEquals(node, group[0]));
        }
        return (groups, single);

        // A way that nobody measured is no reason to share a layer over it.
        bool IsNear(NodeOffer one, NodeOffer other) =>
            links.Between(one, other) is { IsMeasured: true } link && link.RoundTripSeconds <= assumptions.SiteRoundTripSeconds;
    }
}
