using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Groups of machines that could share each layer, all within one site.</summary>
internal static class TensorParallelGroups
{
    /// <summary>
    /// For each size of group the places that there are then: groups, and the nodes that are left over; and once more with the first group alone, so
    /// that the nodes of the others may have the layers behind it.
    /// </summary>
    /// <param name="nodes">All that can be used.</param>
    /// <param name="sizes">Of groups.</param>
    /// <param name="isAsked">Whether a group must have the first layers.</param>
    /// <param name="links">The ways between nodes.</param>
    /// <param name="assumptions">What is near.</param>
    public static IEnumerable<IReadOnlyList<Place>> Of(
        IReadOnlyList<NodeOffer> nodes, IEnumerable<int> sizes, bool isAsked, LinkTable links, CostAssumptions assumptions)
    {
        foreach (var size in sizes.Where(size => size <= nodes.Count))
        {
            var (groups, single) = Divide(nodes, size, links, assumptions);
            if (groups.Count > 0)
                yield return Places(groups, single);
            if (groups.Count > 1)
                yield return Places([groups[0]], [.. nodes.Except(groups[0])]);
        }

        IReadOnlyList<Place> Places(IEnumerable<IReadOnlyList<NodeOffer>> groups, IEnumerable<NodeOffer> single) =>
            [.. groups.Select(group => Place.Group(group, links)), .. single.Select(node => isAsked ? Place.Behind(node) : Place.Of(node, []))];
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
                if (group.Count < size && group.All(member => AreNear(member, node, links, assumptions)))
                    group.Add(node);
            }
            if (group.Count == size)
                groups.Add(group);
            else
                single.Add(left[0]);
            left.RemoveAll(node => group.Count == size ? group.Contains(node) : ReferenceEquals(node, group[0]));
        }
        return (groups, single);
    }

    /// <summary>Whether two nodes are of one site. A way that nobody measured is no reason to share a layer over it.</summary>
    public static bool AreNear(NodeOffer one, NodeOffer other, LinkTable links, CostAssumptions assumptions) =>
        links.Between(one, other) is { IsMeasured: true } link && link.RoundTripSeconds <= assumptions.SiteRoundTripSeconds;
}
