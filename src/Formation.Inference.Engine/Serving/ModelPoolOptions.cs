namespace Formation.Inference.Engine.Serving;

/// <summary>How several models share one process.</summary>
public sealed record ModelPoolOptions
{
    /// <summary>Bytes that all loaded models may take together. Default: no limit.</summary>
    public long MemoryBytes { get; init; } = long.MaxValue;

    /// <summary>How each engine runs.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Requests that may wait for one model's load. Default 256.</summary>
    public int MaxRequestsPerLoad { get; init; } = 256;

    /// <summary>How long a failed load is remembered and its requests are refused at once. Default 30 s.</summary>
    public TimeSpan FailureMemory { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When a client may try again while other models hold the memory. Default 5 s.</summary>
    public TimeSpan BusyRetry { get; init; } = TimeSpan.FromSeconds(5);
}
