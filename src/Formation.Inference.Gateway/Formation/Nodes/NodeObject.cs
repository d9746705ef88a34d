namespace Formation.Inference.Gateway.Formation.Nodes;

/// <summary>A node, as the gateway knows it.</summary>
/// <param name="Object">Always <c>node</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Pin">SHA-256 of its public key, in hexadecimal.</param>
/// <param name="State"><c>online</c>, <c>lost</c>, <c>stopped</c>, or <c>away</c> where it was not heard of since the gateway started.</param>
/// <param name="Reason">How it came into this state, in words.</param>
/// <param name="Since">Since when.</param>
/// <param name="Draining">Whether it takes no new work.</param>
/// <param name="Trusted">Whether work may go there that only trusted nodes may do.</param>
/// <param name="Region">The region that it was admitted for; empty where that does not matter.</param>
/// <param name="Labels">What the operator says of it.</param>
/// <param name="Joined">When it was admitted.</param>
/// <param name="LastSeen">When it was last heard of, or null.</param>
/// <param name="Version">Version of its program, or null where it was not heard of.</param>
/// <param name="MemoryBytes">Memory that it gives to models, or null.</param>
/// <param name="FreeMemoryBytes">What of it no model holds, or null.</param>
/// <param name="Devices">What computes there.</param>
/// <param name="Addresses">Where other nodes reach it.</param>
/// <param name="Links">Its ways to other nodes, as far as measured.</param>
internal sealed record NodeObject(
    string Object,
    string Name,
    string Pin,
    string State,
    string Reason,
    DateTimeOffset Since,
    bool Draining,
    bool Trusted,
    string Region,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Joined,
    DateTimeOffset? LastSeen,
    string? Version,
    long? MemoryBytes,
    long? FreeMemoryBytes,
    IReadOnlyList<NodeDeviceObject> Devices,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<NodeLinkObject> Links)
{
    internal static NodeObject From(NodeDescription node) => new(
        "node",
        node.Name,
        node.Pin,
        node.State.ToString().ToLowerInvariant(),
        node.Reason,
        node.Since,
        node.IsDraining,
        node.IsTrusted,
        node.Region,
        node.Labels,
        node.Joined,
        node.LastSeen,
        node.Report?.Version,
        node.Report?.MemoryBytes,
        node.Report?.FreeMemoryBytes,
        [.. (node.Report?.Devices ?? []).Select(NodeDeviceObject.From)],
        node.Report?.Addresses ?? [],
        [.. (node.Report?.Links ?? []).Select(NodeLinkObject.From)]);
}

/// <summary>Something that computes.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="InstructionSet">The kernels that run there.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="ReadBytesPerSecond">Bytes of weights it reads in a second; 0 where not measured.</param>
/// <param name="MultiplyAddsPerSecond">Multiply-adds in a second; 0 where not measured.</param>
internal sealed record NodeDeviceObject(string Name, string InstructionSet, int Threads, double ReadBytesPerSecond, double MultiplyAddsPerSecond)
{
    internal static NodeDeviceObject From(NodeDevice device) =>
        new(device.Name, device.InstructionSet, device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond);
}

/// <summary>The way to another node.</summary>
/// <param name="Peer">The other node's name.</param>
/// <param name="RoundTripMilliseconds">Time of a small message there and back.</param>
/// <param name="BytesPerSecond">Bytes a second in one direction.</param>
/// <param name="Relayed">Whether it leads through a gateway.</param>
internal sealed record NodeLinkObject(string Peer, double RoundTripMilliseconds, double BytesPerSecond, bool Relayed)
{
    internal static NodeLinkObject From(NodeLink link) => new(link.Peer, link.RoundTrip.TotalMilliseconds, link.BytesPerSecond, link.IsRelayed);
}

/// <summary>All nodes, ordered by name.</summary>
internal sealed record NodeList(string Object, IReadOnlyList<NodeObject> Data);

/// <summary>A node that is no longer admitted.</summary>
/// <param name="Object">Always <c>node</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Removed">Always true.</param>
internal sealed record NodeRemoved(string Object, string Name, bool Removed);

/// <summary>Something that happened to a node.</summary>
/// <param name="Time">When.</param>
/// <param name="Node">The node's name; empty where it has none.</param>
/// <param name="Kind">What, in one word.</param>
/// <param name="Reason">Why, in words.</param>
internal sealed record NodeEventObject(DateTimeOffset Time, string Node, string Kind, string Reason);

/// <summary>What happened since the gateway started, newest last.</summary>
internal sealed record NodeEventList(string Object, IReadOnlyList<NodeEventObject> Data);
