using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Placement;

/// <summary>A node that placement may use: what it says of itself, and what the gateway's own record says of it.</summary>
/// <param name="Report">The node's claims; checked before they are used.</param>
public sealed record NodeOffer(NodeReport Report)
{
    /// <summary>Whether its operator is trusted, as the gateway's record says.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>Labels of the gateway's record, such as <c>ssd</c> or <c>rack=3</c>.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Whether the gateway hears of it now.</summary>
    public bool IsConnected { get; init; } = true;

    /// <summary>Whether it is being emptied: it gets nothing new.</summary>
    public bool IsDraining { get; init; }
}
