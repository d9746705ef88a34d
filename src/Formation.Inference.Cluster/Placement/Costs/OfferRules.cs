using System.Globalization;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>Which nodes may be used at all, and why the others may not.</summary>
internal static class OfferRules
{
    // Far above any machine; what is beyond is a lie or a fault, and sums of these fit their types.
    private const long MostBytes = 1L << 50;
    private const double MostReadBytesPerSecond = 1e15;
    private const double MostMultiplyAddsPerSecond = 1e19;
    private const int LongestName = 63;
    private const int MostDevices = 256;

    /// <summary>Divides the offers.</summary>
    /// <returns>Usable ones by name, and the reasons of the others.</returns>
    public static (IReadOnlyList<NodeOffer> Usable, IReadOnlyList<NodeLeftOut> LeftOut) Divide(
        IReadOnlyList<NodeOffer> offers, PlacementRequest request)
    {
        var usable = new List<NodeOffer>();
        var leftOut = new List<NodeLeftOut>();
        var named = offers.GroupBy(offer => offer.Report.Name ?? "", StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal);
        foreach (var group in named)
        {
            var offer = group.First();
            var reason = group.Skip(1).Any()
                ? $"{group.Count()} nodes claim this name, so none of them is believed"
                : !offer.IsConnected
                    ? "it is not connected now"
                    : FaultOf(offer.Report) ?? ReasonAgainst(offer, request);
            if (reason is null)
                usable.Add(offer);
            else
                leftOut.Add(new NodeLeftOut(Shown(group.Key), reason));
        }
        return (usable, leftOut);
    }

    /// <summary>Whether a claim about a link can be true.</summary>
    public static bool IsPlausible(LinkReport link) =>
        link.RoundTrip >= TimeSpan.Zero && link.RoundTrip <= TimeSpan.FromMinutes(1) && IsSpeed(link.BytesPerSecond, MostReadBytesPerSecond);

    /// <summary>The device that computes: the one that reads fastest.</summary>
    public static DeviceReport DeviceOf(NodeReport report) => report.Devices.MaxBy(device => device.ReadBytesPerSecond)!;

    private static string? FaultOf(NodeReport report)
    {
        if (!IsName(report.Name))
            return $"its name is not 1 to {LongestName} of a-z, 0-9 and -";
        if (report.MemoryBytes is <= 0 or > MostBytes)
            return $"it reports {report.MemoryBytes} bytes of memory, which can't be";
        if (report.FreeMemoryBytes < 0 || report.FreeMemoryBytes > report.MemoryBytes)
            return $"it reports {report.FreeMemoryBytes} free bytes of {report.MemoryBytes}, which can't be";
        if (report.Devices is not { Count: > 0 and <= MostDevices })
            return $"it reports {report.Devices?.Count ?? 0} devices, which must be 1 to {MostDevices}";
        foreach (var device in report.Devices)
        {
            if (device is null)
                return "it reports a device without content";
            if (!IsSpeed(device.ReadBytesPerSecond, MostReadBytesPerSecond))
                return Inv($"it reports a device that reads {device.ReadBytesPerSecond} bytes a second, which can't be");
            if (!IsSpeed(device.MultiplyAddsPerSecond, MostMultiplyAddsPerSecond))
                return Inv($"it reports a device of {device.MultiplyAddsPerSecond} multiply-adds a second, which can't be");
        }
        return null;
    }

    private static string? ReasonAgainst(NodeOffer offer, PlacementRequest request)
    {
        var region = offer.Report.Region ?? "";
        if (offer.IsDraining)
            return "it is being drained";
        if (request.TrustedOnly && !offer.IsTrusted)
            return "its operator is not trusted, and only trusted nodes were asked for";
        if (request.Regions.Count > 0 && !request.Regions.Contains(region, StringComparer.Ordinal))
            return $"it stands in {(region.Length == 0 ? "no named region" : $"region {Shown(region)}")}, not in {string.Join(" or ", request.Regions)}";
        return request.Labels.FirstOrDefault(label => !offer.Labels.Contains(label, StringComparer.Ordinal)) is { } missing
            ? $"it does not have the label {missing}"
            : null;
    }

    private static bool IsSpeed(double value, double most) => value > 0 && value <= most;

    private static bool IsName(string? name) =>
        name is { Length: >= 1 and <= LongestName } && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    // Names and regions come from outside: what is shown of them has a bounded length and no control characters.
    private static string Shown(string text)
    {
        var plain = string.Concat(text.Take(LongestName).Select(c => char.IsControl(c) ? '?' : c));
        return plain.Length == 0 ? "(no name)" : plain;
    }

    private static string Inv(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
