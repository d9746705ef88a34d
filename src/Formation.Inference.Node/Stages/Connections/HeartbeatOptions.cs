namespace Formation.Inference.Node.Stages.Connections;

/// <summary>How soon a silent peer is given up.</summary>
public sealed record HeartbeatOptions
{
    /// <summary>Time between pings. Default 500 ms.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A peer that was not heard for so long is lost. Default 2 s.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(2);
}
