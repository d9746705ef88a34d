namespace Formation.Inference.Cluster.Placement;

/// <summary>What the model of cost takes for granted because nobody reports it.</summary>
public sealed record CostAssumptions
{
    /// <summary>Seconds of a step in each layer whatever it computes: threads that meet, norms, rotations.</summary>
    public double SecondsPerLayer { get; init; } = 40e-6;

    /// <summary>Seconds of a step in each stage on top: the batch, the activations in and out.</summary>
    public double SecondsPerStage { get; init; } = 50e-6;

    /// <summary>The way between two nodes of one region that nobody measured.</summary>
    public (double RoundTripSeconds, double BytesPerSecond) LinkInRegion { get; init; } = (1e-3, 125e6);

    /// <summary>The way between nodes of two regions that nobody measured.</summary>
    public (double RoundTripSeconds, double BytesPerSecond) LinkBetweenRegions { get; init; } = (50e-3, 12.5e6);

    /// <summary>The longest round trip inside a site: machines farther apart never share a layer.</summary>
    public double SiteRoundTripSeconds { get; init; } = 1e-3;
}
