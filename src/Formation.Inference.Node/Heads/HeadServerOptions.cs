using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Heads;

/// <summary>What a head lets gateways do.</summary>
public sealed record HeadServerOptions
{
    /// <summary>Connections of one gateway at once, each with one request at most. Default 512.</summary>
    public int MaxConnectionsPerPeer { get; init; } = 512;

    /// <summary>Bytes of requests that are on their way here, from all gateways together. Default 256 MiB.</summary>
    public long MaxIncomingBytes { get; init; } = 256L << 20;

    /// <summary>How soon a silent gateway is given up, and what it asked for with it.</summary>
    public HeartbeatOptions Heartbeat { get; init; } = new();
}
