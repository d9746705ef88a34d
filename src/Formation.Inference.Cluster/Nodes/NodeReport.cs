namespace Formation.Inference.Cluster.Nodes;

/// <summary>
/// What a node says of itself when it joins and whenever it changes. It is a claim: what admits a node, and whether it is trusted, stands in
/// the gateway's own record of it.
/// </summary>
public sealed record NodeReport
{
    /// <summary>The name that people use, unique in the network: 1 to 63 of <c>a-z 0-9 -</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands, as its operator says; empty where that does not matter.</summary>
    public string Region { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public required string Version { get; init; }

    /// <summary>What can compute here, at least one.</summary>
    public required IReadOnlyList<DeviceReport> Devices { get; init; }

    /// <summary>Bytes of memory that its operator gives to models.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes of these that no model holds now.</summary>
    public required long FreeMemoryBytes { get; init; }

    /// <summary>Addresses (<c>host:port</c> or <c>relay:PIN</c>) on which other nodes reach it, best first; empty where nobody can.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>What the ways to other nodes measured, as far as tried.</summary>
    public IReadOnlyList<LinkReport> Links { get; init; } = [];
}

/// <summary>Something that computes, with its speed as measured on it.</summary>
/// <param name="Name">What it is, for people: <c>AMD EPYC, 2 cores</c>.</param>
/// <param name="InstructionSet">The kernels that run there: <c>avx512</c>, <c>vector128</c>.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="ReadBytesPerSecond">Bytes of weights it reads in a second, which bounds a stream's speed.</param>
/// <param name="MultiplyAddsPerSecond">Multiply-adds of quantised weights in a second, which bounds prompts.</param>
public sealed record DeviceReport(
    string Name, string InstructionSet, int Threads, double ReadBytesPerSecond, double MultiplyAddsPerSecond);

/// <summary>The way to another node as this one measured it.</summary>
/// <param name="Peer">Name of the other node.</param>
/// <param name="RoundTrip">Time of a small message there and back.</param>
/// <param name="BytesPerSecond">Bytes a second in one direction.</param>
/// <param name="IsRelayed">Whether it leads through a gateway, because the other can't be dialled.</param>
public sealed record LinkReport(string Peer, TimeSpan RoundTrip, double BytesPerSecond, bool IsRelayed);
