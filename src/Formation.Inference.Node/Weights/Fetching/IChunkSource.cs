using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Why a source did not give what it was asked for.</summary>
public enum ChunkSourceFault
{
    /// <summary>It can't be reached, broke off, or is busy: later it may do better.</summary>
    Unreachable,

    /// <summary>It is well, and has not got the chunk, or the model.</summary>
    NotHeld,

    /// <summary>It gives nothing to this node, and says why.</summary>
    Refused,

    /// <summary>It answered with something that breaks the protocol.</summary>
    BadAnswer,
}

/// <summary>A source did not give what it was asked for.</summary>
/// <param name="message">Why, in words, without the source's name.</param>
public sealed class ChunkSourceException(ChunkSourceFault fault, string message) : Exception(message)
{
    public ChunkSourceFault Fault { get; } = fault;
}

/// <summary>
/// Somebody who may have a model's chunks. Nothing that it gives is believed before it was checked against a hash. Safe to use from several threads
/// at once.
/// </summary>
public interface IChunkSource
{
    /// <summary>What to call it, for people.</summary>
    string Name { get; }

    /// <summary>Reads a model's manifest, at most <see cref="ManifestLimits.ManifestBytes"/>.</summary>
    /// <exception cref="ChunkSourceException">It gives none.</exception>
    Task<byte[]> ReadManifestAsync(string digest, CancellationToken cancellationToken);

    /// <summary>Asks which chunks it has.</summary>
    /// <exception cref="ChunkSourceException">It does not say.</exception>
    Task<ChunkSet> ReadHoldingsAsync(ModelManifest manifest, CancellationToken cancellationToken);

    /// <summary>Reads a chunk.</summary>
    /// <param name="destination">As long as the chunk.</param>
    /// <exception cref="ChunkSourceException">It gives none, or one of another length.</exception>
    Task ReadChunkAsync(ModelManifest manifest, int chunk, Memory<byte> destination, CancellationToken cancellationToken);
}
