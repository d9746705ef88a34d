using System.Diagnostics;
using System.Net;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Workers;

/// <summary>Brings a worker's weights to this machine.</summary>
/// <param name="order">Whose.</param>
/// <param name="progress">Told what has come.</param>
/// <param name="cancellationToken">Ends it; what has come stays.</param>
/// <returns>The model's file, in which at least the worker's part is there as long as the result is not disposed.</returns>
/// <exception cref="IOException">They can't be had; the message says why.</exception>
public delegate Task<WeightsOnDisk> FetchWeights(WorkerOrder order, IProgress<WeightsProgress> progress, CancellationToken cancellationToken);

/// <summary>A model's file with a worker's part of it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Lease">Keeps it there until disposed, or null where nobody would take it away.</param>
public sealed record WeightsOnDisk(string Path, IDisposable? Lease = null) : IDisposable
{
    public void Dispose() => Lease?.Dispose();
}

/// <summary>What has come of a worker's weights.</summary>
/// <param name="Share">0 to 1.</param>
/// <param name="ReceivedBytes">Bytes that came over the network.</param>
public readonly record struct WeightsProgress(double Share, long ReceivedBytes);

/// <summary>What workers run with.</summary>
public sealed record WorkerSupervisorOptions
{
    /// <summary>What starts a worker's process; its standard streams are the supervisor's.</summary>
    public required Func<ProcessStartInfo> Process { get; init; }

    /// <summary>Brings weights here.</summary>
    public required FetchWeights Fetch { get; init; }

    /// <summary>Bytes that all workers may take together.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Threads that compute, in each of them.</summary>
    public required int Threads { get; init; }

    /// <summary>Where peers dial this node, or null where none can. Workers take the ports behind its own, or any where that is 0.</summary>
    public required IPEndPoint? Listen { get; init; }

    /// <summary>The addresses under which others reach a port of this machine.</summary>
    public required Func<IPEndPoint, IReadOnlyList<string>> Addresses { get; init; }

    /// <summary>How long a worker that is not wanted any more may take to end by itself. Default 5 s.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    public required TimeProvider Clock { get; init; }

    /// <summary>Takes lines for people; on any thread.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}
