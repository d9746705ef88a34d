namespace Formation.Inference.Cluster.Weights;

/// <summary>A model of which this process can hand chunks to others. Safe to use from any thread.</summary>
public interface IServedModel
{
    ModelManifest Manifest { get; }

    /// <summary>The chunks that are here; more may come, and one that turns out damaged may go.</summary>
    ChunkSet Held();

    /// <summary>Reads a chunk and checks it against its hash, so that nobody is taken for a liar whose disk has gone bad.</summary>
    /// <param name="chunk">Which.</param>
    /// <param name="destination">As long as the chunk.</param>
    /// <returns>False where the chunk is not here, or is here and damaged.</returns>
    /// <exception cref="IOException">The disk can't be read.</exception>
    ValueTask<bool> TryReadAsync(int chunk, Memory<byte> destination, CancellationToken cancellationToken);
}
