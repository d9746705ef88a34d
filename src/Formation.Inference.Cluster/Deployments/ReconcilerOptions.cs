using Formation.Inference.Cluster.Deployments.Adapting;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>How patient the reconciler is.</summary>
public sealed record ReconcilerOptions
{
    /// <summary>How long a head may go on with a stage whose node the gateway alone does not hear. Default 10 s.</summary>
    public TimeSpan UnheardStage { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long nodes have to come back after the gateway has started. Default 15 s.</summary>
    public TimeSpan Return { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a node may take, after it came, to measure the ways to others, where a group waits for it: elsewhere the group would be placed anew, and
    /// another number of shared layers computes other last bits. Default 30 s.
    /// </summary>
    public TimeSpan Measuring { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Times that a worker may fail on a node within <see cref="FailureMemory"/> before it is given to another. Default 3.</summary>
    public int Restarts { get; init; } = 3;

    /// <summary>How long a worker's failure counts against its node. Default 5 min.</summary>
    public TimeSpan FailureMemory { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>When demand and speed move resources.</summary>
    public AdaptOptions Adapt { get; init; } = new();
}
