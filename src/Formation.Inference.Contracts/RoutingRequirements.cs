namespace Formation.Inference;

/// <summary>What a replica of a model must be to get a request. A request that none fits is refused, and never goes to another one.</summary>
public sealed record RoutingRequirements
{
    /// <summary>Where its head must be, as the operator called the place, or null for anywhere.</summary>
    public string? Region { get; init; }

    /// <summary>The longest way from the gateway to its head and back, or null for any.</summary>
    public TimeSpan? MaxRoundTrip { get; init; }

    /// <summary>How many replicas have to be ready, so that the request survives the loss of all of them but one; 1 or more.</summary>
    public int MinReplicas { get; init; } = 1;

    /// <summary>Upper limit of <see cref="MinReplicas"/>.</summary>
    public const int MaxReplicas = 64;
}
