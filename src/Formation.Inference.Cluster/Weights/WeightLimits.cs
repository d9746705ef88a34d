namespace Formation.Inference.Cluster.Weights;

/// <summary>What a gateway gives to the nodes that fetch from it.</summary>
public static class WeightLimits
{
    /// <summary>Bytes of one message: small enough to be no burden on the garbage collector.</summary>
    public const int PieceBytes = 64 << 10;

    /// <summary>Calls of one node at once; a further one is refused as busy.</summary>
    public const int CallsPerNode = 16;

    /// <summary>Chunks that all calls together hold in memory; further calls wait.</summary>
    public const int ChunksInMemory = 32;

    /// <summary>How long a call may take, so that a node that does not read holds nothing for long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
}
