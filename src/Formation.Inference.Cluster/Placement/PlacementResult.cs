namespace Formation.Inference.Cluster.Placement;

/// <summary>What placement found.</summary>
public sealed record PlacementResult
{
    /// <summary>The policy that decided.</summary>
    public required string Policy { get; init; }

    /// <summary>The plan to run, or null where none is possible.</summary>
    public PlacementPlan? Plan { get; init; }

    /// <summary>Other plans, the fastest first, with their figures.</summary>
    public IReadOnlyList<PlacementPlan> Alternatives { get; init; } = [];

    /// <summary>Nodes without a part in the plan, and why, by name.</summary>
    public IReadOnlyList<NodeLeftOut> LeftOut { get; init; } = [];

    /// <summary>Where there is no plan for want of memory: what is missing.</summary>
    public MemoryShortfall? Shortfall { get; init; }

    /// <summary>Why this plan, or why none, in words.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }
}

/// <summary>A node without a part in the plan.</summary>
/// <param name="Node">The name that it gave.</param>
/// <param name="Reason">Why, as a sentence's second half: <c>it is being drained</c>.</param>
public sealed record NodeLeftOut(string Node, string Reason);

/// <summary>Memory that is missing for a plan.</summary>
/// <param name="NeededBytes">What the model takes on the nodes that come closest, all their stages together.</param>
/// <param name="FreeBytes">What these offer.</param>
/// <param name="Node">The node that lacks least.</param>
/// <param name="MissingBytes">What it would have to offer more, exactly.</param>
/// <param name="Layers">The layers without a place, or null where not even the head finds one.</param>
/// <param name="Helps">What would make it possible, in words.</param>
public sealed record MemoryShortfall(
    long NeededBytes, long FreeBytes, string Node, long MissingBytes, LayerSpan? Layers, IReadOnlyList<string> Helps);
