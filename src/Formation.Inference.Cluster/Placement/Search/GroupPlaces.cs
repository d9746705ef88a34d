using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Finds another node for a group that has lost one.</summary>
internal static class GroupPlaces
{
    /// <summary>The fastest node that keeps the request's rules, has room, and is near to all others.</summary>
    /// <param name="offers">The others among them.</param>
    /// <param name="others">Names of those that stay.</param>
    /// <param name="bytes">That it needs.</param>
    /// <returns>Its name, or null.</returns>
    public static string? Another(IReadOnlyList<NodeOffer> offers, IReadOnlySet<string> others, long bytes, PlacementRequest request) =>
        Candidates(offers, others, bytes, request, (links, assumptions, one, other) => TensorParallelGroups.AreNear(one, other, links, assumptions))
            .OrderByDescending(offer => OfferRules.DeviceOf(offer.Report).ReadBytesPerSecond)
            .ThenBy(offer => offer.Report.Name, StringComparer.Ordinal)
            .FirstOrDefault()?.Report.Name;

    /// <summary>Names of the nodes that would do, too, if only the ways to the others had been measured and were short.</summary>
    /// <inheritdoc cref="Another"/>
    public static IEnumerable<string> NotMeasured(IReadOnlyList<NodeOffer> offers, IReadOnlySet<string> others, long bytes, PlacementRequest request) =>
        Candidates(offers, others, bytes, request, (links, assumptions, one, other) =>
            !links.Between(one, other).IsMeasured || TensorParallelGroups.AreNear(one, other, links, assumptions)).Select(offer => offer.Report.Name);

    private static IEnumerable<NodeOffer> Candidates(
        IReadOnlyList<NodeOffer> offers, IReadOnlySet<string> others, long bytes, PlacementRequest request,
        Func<LinkTable, CostAssumptions, NodeOffer, NodeOffer, bool> fit)
    {
        var assumptions = new CostAssumptions();
        var (usable, _) = OfferRules.Divide(offers, request);
        var links = new LinkTable(usable, assumptions);
        var stay = usable.Where(offer => others.Contains(offer.Report.Name)).ToList();
        return stay.Count < others.Count ? [] : usable.Where(offer => !others.Contains(offer.Report.Name)
            && offer.Report.FreeMemoryBytes >= bytes && stay.All(other => fit(links, assumptions, offer, other)));
    }
}
