using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Heads;

/// <summary>How a gateway keeps its connections to heads.</summary>
public sealed record HeadClientOptions
{
    /// <summary>Requests that one head works on for this gateway at once, each on a connection. Default 512.</summary>
    public int MaxConnectionsPerHead { get; init; } = 512;

    /// <summary>Connections to one head that are kept open without a request. Default 16.</summary>
    public int MaxIdlePerHead { get; init; } = 16;

    /// <summary>How long a connection is kept open without a request. Default 60 s.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a head may take to end work that was cancelled before its connection is given up. Default 2 s.</summary>
    public TimeSpan CancelTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes of events that are on their way here, from all heads together. Default 512 MiB.</summary>
    public long MaxIncomingBytes { get; init; } = 512L << 20;

    /// <summary>How soon a silent head is given up.</summary>
    public HeartbeatOptions Heartbeat { get; init; } = new();
}
