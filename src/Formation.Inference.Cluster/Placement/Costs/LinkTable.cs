using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>A way between two nodes.</summary>
/// <param name="RoundTripSeconds">Of a small message.</param>
/// <param name="BytesPerSecond">In one direction.</param>
/// <param name="IsMeasured">Whether one of the two measured it.</param>
internal readonly record struct Link(double RoundTripSeconds, double BytesPerSecond, bool IsMeasured);

/// <summary>The ways between nodes: as measured, or as assumed.</summary>
/// <remarks>
/// Where both ends measured, the slower figures count, so that nobody can talk a way faster than the other end finds it.
/// </remarks>
internal sealed class LinkTable
{
    private readonly Dictionary<(string From, string To), LinkReport> _reports = [];
    private readonly CostAssumptions _assumptions;

    public LinkTable(IEnumerable<NodeOffer> offers, CostAssumptions assumptions)
    {
        _assumptions = assumptions;
        foreach (var report in offers.Select(offer => offer.Report))
        {
            foreach (var link in report.Links ?? [])
            {
                if (link?.Peer is not null && OfferRules.IsPlausible(link))
                    _reports.TryAdd((report.Name, link.Peer), link);
            }
        }
    }

    /// <summary>The way from one node to another.</summary>
    public Link Between(NodeOffer from, NodeOffer to)
    {
        var there = _reports.GetValueOrDefault((from.Report.Name, to.Report.Name));
        var back = _reports.GetValueOrDefault((to.Report.Name, from.Report.Name));
        if (there is null && back is null)
        {
            var isNear = (from.Report.Region ?? "") == (to.Report.Region ?? "");
            var (roundTrip, bytes) = isNear ? _assumptions.LinkInRegion : _assumptions.LinkBetweenRegions;
            return new Link(roundTrip, bytes, IsMeasured: false);
        }
        return new Link(
            Math.Max(there?.RoundTrip.TotalSeconds ?? 0, back?.RoundTrip.TotalSeconds ?? 0),
            Math.Min(there?.BytesPerSecond ?? double.PositiveInfinity, back?.BytesPerSecond ?? double.PositiveInfinity),
            IsMeasured: true);
    }
}
