using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>A source during one fetch: what it has, and how it behaved. While chunks are fetched, that is guarded by the queue's lock.</summary>
sealed class SourceInUse(IChunkSource source)
{
    public IChunkSource Source => source;

    /// <summary>What it says it has, less what it turned out not to have; null until it has answered.</summary>
    public ChunkSet? Held { get; set; }

    /// <summary>Whether it can be asked for a chunk.</summary>
    public bool Offers(int chunk) => LeftOut is null && Held?.Contains(chunk) == true;

    /// <summary>Where in the queue it looks for its next chunk.</summary>
    public int Cursor { get; set; }

    /// <summary>Failures since it last gave something.</summary>
    public int Failures { get; set; }

    /// <summary>Chunks that were not what their hashes say.</summary>
    public int WrongChunks { get; set; }

    /// <summary>Why it is asked no more, or null.</summary>
    public string? LeftOut { get; set; }
}
