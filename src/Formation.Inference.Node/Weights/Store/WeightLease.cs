namespace Formation.Inference.Node.Weights.Store;

/// <summary>Keeps a model in its store: as long as a lease on it is open, in whichever process, it is not removed to make room.</summary>
public sealed class WeightLease : IDisposable
{
    private readonly FileLock _lock;
    private readonly TimeProvider _clock;

    internal WeightLease(string digest, StoreFiles files, FileLock held, TimeProvider clock)
    {
        Digest = digest;
        Files = files;
        _lock = held;
        _clock = clock;
        Touch();
    }

    /// <summary>The model.</summary>
    public string Digest { get; }

    internal StoreFiles Files { get; }

    public void Dispose()
    {
        Touch();
        _lock.Dispose();
    }

    // Only decides which model goes first when room is needed.
    private void Touch()
    {
        try
        {
            File.SetLastWriteTimeUtc(Files.InUse, _clock.GetUtcNow().UtcDateTime);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }
}
