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

    /// <summary>
    /// A node as the gateway knows it. Where it stands is what its operator was admitted for, whatever the node says of itself.
    /// </summary>
    public static NodeOffer Of(NodeStatus node) => new((node.Report ?? Silent(node.Name)) with { Name = node.Name, Region = node.Record.Region })
    {
        IsTrusted = node.Record.IsTrusted,
        Labels = LabelsOf(node.Record.Labels),
        IsConnected = node is { State: NodeState.Online, Report: not null },
        IsDraining = node.Record.IsDraining,
    };

    /// <summary>Labels as placement compares them: <c>ssd</c>, or <c>rack=3</c> where there is a value.</summary>
    public static IReadOnlyList<string> LabelsOf(IReadOnlyDictionary<string, string> labels) =>
        [.. labels.Select(label => label.Value.Length == 0 ? label.Key : $"{label.Key}={label.Value}")];

    /// <summary>What stands for the report of a node that was not heard of.</summary>
    public static NodeReport Silent(string name) => new() { Name = name, Version = "", Devices = [], MemoryBytes = 0, FreeMemoryBytes = 0 };
}
