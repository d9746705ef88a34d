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
    public static string? Another(IReadOnlyList<NodeOffer> offers, IReadOnlySet<string> others, long bytes, PlacementRequest request)
    {
        var assumptions = new CostAssumptions();
        var (usable, _) = OfferRules.Divide(offers, request);
        var links = new LinkTable(usable, assumptions);
        var stay = usable.Where(offer => others.Contains(offer.Report.Name)).ToList();
        return stay.Count < others.Count ? null : usable
            .Where(offer => !others.Contains(offer.Report.Name) && offer.Report.FreeMemoryBytes >= bytes
                && stay.All(other => TensorParallelGroups.AreNear(offer, other, links, assumptions)))
            .OrderByDescending(offer => OfferRules.DeviceOf(offer.Report).ReadBytesPerSecond)
            .ThenBy(offer => offer.Report.Name, StringComparer.Ordinal)
            .FirstOrDefault()?.Report.Name;
    }
}
