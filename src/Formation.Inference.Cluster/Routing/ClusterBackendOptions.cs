namespace Formation.Inference.Cluster.Routing;

/// <summary>How far a gateway goes for a request.</summary>
public sealed record ClusterBackendOptions
{
    /// <summary>How long a request waits for a head that takes it. Default 30 s.</summary>
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Heads that may be lost to a request one behind the other before they have drawn a token for it. Default 6. Those that could not be
    /// reached or left in order do not count.
    /// </summary>
    public int MaxLossesWithoutProgress { get; init; } = 6;

    /// <summary>The same for heads that are lost at once: then the request itself is likely to be what ends them. Default 2.</summary>
    public int MaxLossesAtOnce { get; init; } = 2;

    /// <summary>A head that is lost so soon after it took a request was lost at once. Default 1 s.</summary>
    public TimeSpan AtOnce { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A head that had more requests than this when it was lost says nothing of each of them. Default 4.</summary>
    public int Crowd { get; init; } = 4;

    /// <summary>Heads that may be lost to a request in all. Default 32.</summary>
    public int MaxLosses { get; init; } = 32;

    /// <summary>The pause before a lost head is asked again, where no other takes the request; each time twice as long. Default 250 ms.</summary>
    public TimeSpan ShortestPause { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Where the pause grows no more. Default 4 s.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long all requests avoid a head that one has lost, as long as there are others. Default 2 s.</summary>
    public TimeSpan Suspicion { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Where seeds come from that a request does not give. Default: the system's secure generator.</summary>
    public Func<long> NextSeed { get; init; } =
        static () => BitConverter.ToInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(long)));
}
