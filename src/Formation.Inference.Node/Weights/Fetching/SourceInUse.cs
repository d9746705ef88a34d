using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>A source during one fetch: what it has, and how it behaved. All but <see cref="Source"/> is guarded by the queue's lock.</summary>
sealed class SourceInUse(IChunkSource source, ChunkSet held)
{
    public IChunkSource Source => source;

    /// <summary>What it says it has, less what it turned out not to have.</summary>
    public ChunkSet Held => held;

    /// <summary>Where in the queue it looks for its next chunk.</summary>
    public int Cursor { get; set; }

    /// <summary>Failures since it last gave something.</summary>
    public int Failures { get; set; }

    /// <summary>Chunks that were not what their hashes say.</summary>
    public int WrongChunks { get; set; }

    /// <summary>Why it is asked no more, or null.</summary>
    public string? LeftOut { get; set; }
}
