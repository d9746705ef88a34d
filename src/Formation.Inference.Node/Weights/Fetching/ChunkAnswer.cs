using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Checks what a source answered.</summary>
static class ChunkAnswer
{
    /// <summary>The chunks that a source says it has.</summary>
    /// <exception cref="ChunkSourceException">It has sent no set of this model's chunks.</exception>
    public static ChunkSet Holdings(ReadOnlySpan<byte> bits, ModelManifest manifest)
    {
        try
        {
            return ChunkSet.Parse(bits, manifest.ChunkCount);
        }
        catch (InvalidDataException error)
        {
            throw new ChunkSourceException(ChunkSourceFault.BadAnswer, error.Message);
        }
    }

    /// <exception cref="ChunkSourceException">An answer is not as long as it must be.</exception>
    public static void RequireLength(int length, int expected)
    {
        if (length != expected)
            throw new ChunkSourceException(ChunkSourceFault.BadAnswer, $"it sent {length} bytes where {expected} are called for");
    }
}
