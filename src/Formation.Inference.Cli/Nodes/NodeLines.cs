using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cli.Nodes;

/// <summary>A node in lines for people.</summary>
static class NodeLines
{
    public static IEnumerable<(string Label, string Value)> Of(NodeView node)
    {
        yield return ("name", node.Name);
        yield return ("state", $"{node.State}{(node.Draining ? ", draining" : "")} since {Text(node.Since)}: {node.Reason}");
        yield return ("key", node.Pin);
        yield return ("joined", Text(node.Joined));
        if (node.LastSeen is { } seen)
            yield return ("last seen", Text(seen));
        yield return ("region", node.Region.Length > 0 ? node.Region : "-");
        yield return ("trusted", node.Trusted ? "yes" : "no");
        if (node.Labels.Count > 0)
            yield return ("labels", string.Join(", ", node.Labels.Select(label => $"{label.Key}={label.Value}")));
        if (node.Version is { } version)
            yield return ("version", version);
        if (node is { MemoryBytes: { } memory, FreeMemoryBytes: { } free })
            yield return ("memory", $"{ByteSize.Format(free)} free of {ByteSize.Format(memory)}");
        foreach (var device in node.Devices)
            yield return ("device", $"{device.Name}, {device.InstructionSet}, reads {NodesCommand.Speed(device.ReadBytesPerSecond)}");
        yield return ("addresses", node.Addresses.Count > 0 ? string.Join(", ", node.Addresses.Select(Address)) : "none: it dials out only");
        foreach (var link in node.Links)
            yield return (
                "link",
                string.Create(CultureInfo.InvariantCulture, $"{link.Peer}: {link.RoundTripMilliseconds:0.00} ms there and back, {link.BytesPerSecond / 1e6:0} MB/s{(link.Relayed ? ", relayed" : "")}"));
    }

    private static string Address(string address) => PeerAddress.TryParseRelay(address, out _) ? "through the gateway" : address;

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);
}
