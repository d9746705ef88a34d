using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>
/// A part of a model that is on this machine, checked. The file at <see cref="Path"/> opens as any model's does, as long as this is not disposed; of a model in the store,
/// only the part may be read: everything else is holes.
/// </summary>
public sealed class HeldWeights : IDisposable
{
    private readonly Action _release;
    private bool _isReleased;

    internal HeldWeights(ModelManifest manifest, string path, bool isLocal, long bytesNeeded, FetchCounters counters, Action release)
    {
        Manifest = manifest;
        Path = path;
        IsLocal = isLocal;
        BytesNeeded = bytesNeeded;
        Counters = counters;
        _release = release;
    }

    public ModelManifest Manifest { get; }

    /// <summary>The model's file, the first one of a split model.</summary>
    public string Path { get; }

    /// <summary>Whether that is an operator's own file, and no copy in the store.</summary>
    public bool IsLocal { get; }

    /// <summary>Bytes of the chunks that the part needs, fetched now or here before.</summary>
    public long BytesNeeded { get; }

    /// <summary>What this fetch brought over the network.</summary>
    public FetchCounters Counters { get; }

    /// <summary>Lets the store remove the model when it needs the room.</summary>
    public void Dispose()
    {
        if (_isReleased)
            return;
        _isReleased = true;
        _release();
    }
}
