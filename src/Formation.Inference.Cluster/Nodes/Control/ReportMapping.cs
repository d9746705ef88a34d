using System.Diagnostics.CodeAnalysis;
using Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>
/// Reports as messages and back. A report from outside is read whole or refused with a reason; behind <see cref="TryRead"/> nobody checks again.
/// </summary>
public static class ReportMapping
{
    /// <summary>Far above any machine; keeps sums and products of hostile numbers from overflowing.</summary>
    private const long MostBytes = 1L << 50;

    private const double MostPerSecond = 1e18;
    private const int MostThreads = 65_536;
    private static readonly TimeSpan LongestRoundTrip = TimeSpan.FromMinutes(1);

    public static Report ToWire(NodeReport report) => new()
    {
        Name = report.Name,
        Region = report.Region,
        Version = report.Version,
        Devices =
        {
            report.Devices.Select(device => new Device
            {
                Name = device.Name,
                InstructionSet = device.InstructionSet,
                Threads = device.Threads,
                ReadBytesPerSecond = device.ReadBytesPerSecond,
                MultiplyAddsPerSecond = device.MultiplyAddsPerSecond,
            }),
        },
        MemoryBytes = report.MemoryBytes,
        FreeMemoryBytes = report.FreeMemoryBytes,
        Addresses = { report.Addresses },
        Links =
        {
            report.Links.Select(link => new Link
            {
                Peer = link.Peer,
                RoundTripMicroseconds = (long)link.RoundTrip.TotalMicroseconds,
                BytesPerSecond = link.BytesPerSecond,
                IsRelayed = link.IsRelayed,
            }),
        },
    };

    /// <summary>Reads a report from outside.</summary>
    /// <param name="wire">The message, or null where it was left out.</param>
    /// <param name="report">The report, where it keeps to all limits.</param>
    /// <param name="fault">Else the first thing that is wrong.</param>
    public static bool TryRead(Report? wire, [NotNullWhen(true)] out NodeReport? report, [NotNullWhen(false)] out string? fault)
    {
        report = null;
        fault = FaultOf(wire);
        if (fault is not null)
            return false;
        report = new NodeReport
        {
            Name = wire!.Name,
            Region = wire.Region,
            Version = wire.Version,
            Devices =
            [
                .. wire.Devices.Select(device => new DeviceReport(
                    device.Name, device.InstructionSet, device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond)),
            ],
            MemoryBytes = wire.MemoryBytes,
            FreeMemoryBytes = wire.FreeMemoryBytes,
            Addresses = [.. wire.Addresses],
            Links =
            [
                .. wire.Links.Select(link => new LinkReport(
                    link.Peer, TimeSpan.FromMicroseconds(link.RoundTripMicroseconds), link.BytesPerSecond, link.IsRelayed)),
            ],
        };
        return true;
    }

    private static string? FaultOf(Report? report)
    {
        if (report is null)
            return "the report is missing";
        if (!NodeName.IsValid(report.Name))
            return $"the name is not 1 to {NodeName.MaximumLength} of a-z, 0-9 and '-', with a letter or digit at both ends";
        if (!WireText.IsPlain(report.Region, ControlLimits.ShortText))
            return $"the region is longer than {ControlLimits.ShortText} characters or holds control characters";
        if (!WireText.IsPlain(report.Version, ControlLimits.ShortText))
            return $"the version is longer than {ControlLimits.ShortText} characters or holds control characters";
        if (report.Devices.Count is 0 or > ControlLimits.Devices)
            return $"it has {report.Devices.Count} devices; 1 to {ControlLimits.Devices} are allowed";
        if (report.MemoryBytes is < 0 or > MostBytes || report.FreeMemoryBytes < 0 || report.FreeMemoryBytes > report.MemoryBytes)
            return $"its memory can't be: {report.FreeMemoryBytes} of {report.MemoryBytes} bytes free";
        if (report.Addresses.Count > ControlLimits.Addresses)
            return $"it has {report.Addresses.Count} addresses; {ControlLimits.Addresses} are allowed";
        if (!report.Addresses.All(PeerAddress.IsValid))
            return "an address is not of the form host:port or relay:PIN";
        if (report.Links.Count > ControlLimits.Links)
            return $"it has {report.Links.Count} links; {ControlLimits.Links} are allowed";
        return report.Devices.Select(FaultOf).Concat(report.Links.Select(FaultOf)).FirstOrDefault(fault => fault is not null);
    }

    private static string? FaultOf(Device device)
    {
        if (!WireText.IsPlain(device.Name, ControlLimits.Text) || !WireText.IsPlain(device.InstructionSet, ControlLimits.ShortText))
            return "a device's name or instruction set is too long or holds control characters";
        if (device.Threads is < 1 or > MostThreads)
            return $"a device has {device.Threads} threads; 1 to {MostThreads} are allowed";
        return IsRate(device.ReadBytesPerSecond) && IsRate(device.MultiplyAddsPerSecond) ? null : "a device's speed can't be";
    }

    private static string? FaultOf(Link link)
    {
        if (!NodeName.IsValid(link.Peer))
            return "a link's peer is not a node's name";
        return link.RoundTripMicroseconds >= 0 && link.RoundTripMicroseconds <= LongestRoundTrip.TotalMicroseconds && IsRate(link.BytesPerSecond)
            ? null
            : $"the link to {link.Peer} can't be that slow or fast";
    }

    // Written so that NaN fails.
    private static bool IsRate(double perSecond) => perSecond is >= 0 and <= MostPerSecond;
}
