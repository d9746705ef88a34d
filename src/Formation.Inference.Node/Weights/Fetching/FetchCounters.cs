using System.Collections.Concurrent;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>What came over the network. Safe to use from any thread.</summary>
public sealed class FetchCounters
{
    private readonly ConcurrentDictionary<string, long> _bySource = new(StringComparer.Ordinal);
    private long _received;
    private long _manifest;
    private long _rejected;

    /// <summary>Bytes of chunks that came, right or wrong.</summary>
    public long ChunkBytesReceived => Volatile.Read(ref _received);

    /// <summary>Bytes of manifests that came, right or wrong.</summary>
    public long ManifestBytesReceived => Volatile.Read(ref _manifest);

    /// <summary>Chunks and manifests that were not what their hashes say.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Bytes of all kinds by the name of their source.</summary>
    public IReadOnlyDictionary<string, long> BytesBySource => _bySource;

    internal void ChunkCame(string source, int bytes)
    {
        Interlocked.Add(ref _received, bytes);
        _bySource.AddOrUpdate(source, bytes, (_, sum) => sum + bytes);
    }

    internal void ManifestCame(string source, int bytes)
    {
        Interlocked.Add(ref _manifest, bytes);
        _bySource.AddOrUpdate(source, bytes, (_, sum) => sum + bytes);
    }

    internal void WasRejected() => Interlocked.Increment(ref _rejected);
}
