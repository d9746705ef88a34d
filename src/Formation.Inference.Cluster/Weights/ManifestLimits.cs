namespace Formation.Inference.Cluster.Weights;

/// <summary>What a manifest may hold. Real models stay far below; hostile manifests stop here.</summary>
public static class ManifestLimits
{
    /// <summary>Files of one model; the parts of a split one.</summary>
    public const int Files = 1024;

    /// <summary>Bytes of one file.</summary>
    public const long FileBytes = 1L << 42;

    /// <summary>Bytes before a file's tensors.</summary>
    public const int HeaderBytes = 256 << 20;

    /// <summary>The smallest chunk, as a power of two: 4 KiB.</summary>
    public const int SmallestChunk = 12;

    /// <summary>The largest chunk, as a power of two: 16 MiB. Whoever fetches or serves holds a few of them in memory.</summary>
    public const int LargestChunk = 24;

    /// <summary>The chunk of manifests that are made here, as a power of two: 1 MiB.</summary>
    public const int UsualChunk = 20;

    /// <summary>Chunks of one model: 2 TiB in chunks of 1 MiB.</summary>
    public const int Chunks = 1 << 21;

    /// <summary>Bytes of the largest manifest.</summary>
    public const int ManifestBytes = ModelManifest.PreambleBytes + (Files * ModelManifest.FileEntryBytes) + (Chunks * ModelManifest.HashBytes);
}
