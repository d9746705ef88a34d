using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>
/// A lock that processes hold on a file, and objects of one process against each other, too. The system gives it back when its holder dies.
/// </summary>
sealed class FileLock : IDisposable
{
    /// <summary>How often to look whether a lock is free.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes a lock where it is free.</summary>
    /// <param name="path">The file; made with mode 600 where it is missing.</param>
    /// <param name="isExclusive">Whether nobody else may hold it; else others may share it.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The file can't be opened.</exception>
    public static FileLock? TryTake(string path, bool isExclusive)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = isExclusive ? FileAccess.ReadWrite : FileAccess.Read,
            Share = isExclusive ? FileShare.None : FileShare.Read,
            UnixCreateMode = WholeFile.OwnerOnly,
            BufferSize = 0,
        };
        try
        {
            return new FileLock(new FileStream(path, options));
        }
        catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException))
        {
            return null;
        }
    }

    /// <summary>Waits for a lock.</summary>
    public static async Task<FileLock> TakeAsync(string path, bool isExclusive, TimeProvider clock, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryTake(path, isExclusive) is { } taken)
                return taken;
            await Task.Delay(Look, clock, cancellationToken);
        }
    }

    public void Dispose() => _file.Dispose();
}
