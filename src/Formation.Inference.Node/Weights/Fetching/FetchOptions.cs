namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Limits of fetching.</summary>
public sealed record FetchOptions
{
    /// <summary>Chunks that are under way at once, of one model; so many are in memory.</summary>
    public int MaxChunksUnderWay { get; init; } = 8;

    /// <summary>Chunks that are asked for at once of one source.</summary>
    public int ChunksPerSource { get; init; } = 4;

    /// <summary>Failures one after the other until a source is left out.</summary>
    public int MaxFailures { get; init; } = 3;

    /// <summary>Wrong chunks until a source is left out.</summary>
    public int MaxWrongChunks { get; init; } = 3;

    /// <summary>The wait after a source's first failure; twice as long after each further one.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long one answer may take: a chunk of 1 MiB comes over 280 kbit/s in this time.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one source may take for the manifest until the next one is asked, too.</summary>
    public TimeSpan NextManifestSource { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes after which what came goes on record; a crash costs so much at most.</summary>
    public long CommitBytes { get; init; } = 32L << 20;

    /// <summary>
    /// Whether chunks that are on record are hashed again before they are used, as after a fault of the disk; costs a pass over them at each start.
    /// </summary>
    public bool VerifyStored { get; init; }
}
