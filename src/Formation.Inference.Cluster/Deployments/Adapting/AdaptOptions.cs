namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>When demand and speed move resources. Why these numbers: docs/adr/0025-adapting.md.</summary>
public sealed record AdaptOptions
{
    /// <summary>The share by which a plan must be predicted to be faster than the running one, so that layers move. Default 0.2.</summary>
    public double MoveGain { get; init; } = 0.2;

    /// <summary>How long it must have been so at each look. Default 2 min.</summary>
    public TimeSpan MoveAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The shortest time between two moves of a deployment. Default 10 min.</summary>
    public TimeSpan MovePause { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The share of its slots above which a deployment gets another replica. Default 0.8.</summary>
    public double GrowAbove { get; init; } = 0.8;

    /// <summary>How long it must have been so. Default 30 s.</summary>
    public TimeSpan GrowAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The share below which the slots of the other replicas must stay, so that one is given up. Default 0.5.</summary>
    public double ShrinkBelow { get; init; } = 0.5;

    /// <summary>How long it must have been so. Default 10 min.</summary>
    public TimeSpan ShrinkAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long a replica without requests is kept that takes no new ones: a gateway may have chosen it a moment ago, and heads report every few
    /// seconds. Default 10 s.
    /// </summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a replica that is given up may go on with its streams before they are handed to another one. Default 10 min.</summary>
    public TimeSpan LongestFarewell { get; init; } = TimeSpan.FromMinutes(10);
}
