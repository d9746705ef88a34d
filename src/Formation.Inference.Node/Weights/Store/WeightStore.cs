using System.Globalization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>A model of a store.</summary>
/// <param name="Digest">Names it.</param>
/// <param name="BytesOnDisk">What it takes now.</param>
/// <param name="LastUsed">When a lease on it was last opened or closed.</param>
/// <param name="IsInUse">Whether a lease on it is open.</param>
public sealed record StoredModelStatus(string Digest, long BytesOnDisk, DateTimeOffset LastUsed, bool IsInUse);

/// <summary>A store has no room for what is to be fetched, and nothing that could go.</summary>
public sealed class WeightStoreFullException(string message) : IOException(message);

/// <summary>
/// Weights on disk, by model: a folder for each digest, with the model's files in their full lengths, of which only chunks that were fetched take room. Several
/// processes may use one store. Safe to use from any thread.
/// </summary>
public sealed class WeightStore
{
    private const string Removing = "removing-";

    /// <summary>What stays free on the disk for everybody else.</summary>
    private const long FreeMargin = 64L << 20;

    private readonly string _folder;
    private readonly long _limit;
    private readonly TimeProvider _clock;

    /// <param name="folder">Made with mode 700 where it is missing.</param>
    /// <param name="clock">Says which model was used last.</param>
    /// <param name="limitBytes">Above it, models that are not in use are removed, those used longest ago first.</param>
    /// <exception cref="IOException">The folder can't be made.</exception>
    public WeightStore(string folder, TimeProvider clock, long limitBytes = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limitBytes);
        PrivateFolder.Create(folder);
        _folder = folder;
        _clock = clock;
        _limit = limitBytes;
    }

    private string LockFile => Path.Combine(_folder, "lock");

    /// <summary>What is here, ordered by when it was last used.</summary>
    public IReadOnlyList<StoredModelStatus> List() =>
        [.. Directory.EnumerateDirectories(_folder).Where(IsModel).Select(Status).OrderBy(model => model.LastUsed)];

    /// <summary>What is here of a model, to be handed to others; null where nothing is.</summary>
    public IServedModel? Find(string digest)
    {
        if (!ModelManifest.IsDigest(digest))
            return null;
        var files = FilesOf(digest);
        return files.ReadManifest(digest) is { } manifest ? new StoredModel(manifest, files) : null;
    }

    /// <summary>Makes sure that a model is not removed; its folder is made where it is missing.</summary>
    /// <exception cref="ArgumentException">The text is no digest.</exception>
    /// <exception cref="IOException">The folder can't be made.</exception>
    public async Task<WeightLease> LeaseAsync(string digest, CancellationToken cancellationToken)
    {
        if (!ModelManifest.IsDigest(digest))
            throw new ArgumentException("not 64 lower-case hexadecimal digits", nameof(digest));
        var files = FilesOf(digest);
        using var store = await FileLock.TakeAsync(LockFile, isExclusive: true, _clock, cancellationToken);
        PrivateFolder.Create(files.Folder);
        return new WeightLease(digest, files, await FileLock.TakeAsync(files.InUse, isExclusive: false, _clock, cancellationToken), _clock);
    }

    /// <summary>Removes a model that nobody uses.</summary>
    /// <returns>False where there is none, or it is in use.</returns>
    public async Task<bool> TryRemoveAsync(string digest, CancellationToken cancellationToken)
    {
        if (!ModelManifest.IsDigest(digest))
            return false;
        using var store = await FileLock.TakeAsync(LockFile, isExclusive: true, _clock, cancellationToken);
        return TryRemove(digest);
    }

    /// <summary>Makes room for bytes that are to be fetched, by removing models that nobody uses.</summary>
    /// <exception cref="WeightStoreFullException">There is none to be made.</exception>
    internal async Task MakeRoomAsync(long bytes, CancellationToken cancellationToken)
    {
        using var store = await FileLock.TakeAsync(LockFile, isExclusive: true, _clock, cancellationToken);
        RemoveRemains();
        var models = List();
        var used = models.Sum(model => model.BytesOnDisk);
        foreach (var model in models)
        {
            if (used <= _limit - bytes && HasFree(bytes))
                return;
            if (TryRemove(model.Digest))
                used -= model.BytesOnDisk;
        }
        if (used > _limit - bytes)
            throw new WeightStoreFullException(
                $"{Size(bytes)} are to be fetched, and the store in {_folder} may hold {Size(_limit)}, of which {Size(used)} are in use. Raise its limit, or stop a model.");
        if (!HasFree(bytes))
            throw new WeightStoreFullException(
                $"{Size(bytes)} are to be fetched, and the disk of {_folder} has {Size(Free())} left. Free some, or move the store.");
    }

    private static bool IsModel(string folder) => ModelManifest.IsDigest(Path.GetFileName(folder));

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):N1} MiB");

    private StoreFiles FilesOf(string digest) => new(Path.Combine(_folder, digest));

    private StoredModelStatus Status(string folder)
    {
        var files = new StoreFiles(folder);
        var lastUsed = new DateTimeOffset(File.GetLastWriteTimeUtc(files.InUse), TimeSpan.Zero);
        return new StoredModelStatus(Path.GetFileName(folder), files.BytesOnDisk(), lastUsed, IsInUse(files));
    }

    private static bool IsInUse(StoreFiles files)
    {
        if (!File.Exists(files.InUse))
            return false;
        using var free = TakeFree(files);
        return free is null;
    }

    private static FileLock? TakeFree(StoreFiles files)
    {
        try
        {
            return FileLock.TryTake(files.InUse, isExclusive: true);
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    // The caller holds the store's lock. Moved away first: half of a model is never found under its name.
    private bool TryRemove(string digest)
    {
        var files = FilesOf(digest);
        if (!Directory.Exists(files.Folder))
            return false;
        using var free = TakeFree(files);
        if (free is null)
            return false;
        var away = Path.Combine(_folder, $"{Removing}{Guid.NewGuid():N}");
        Directory.Move(files.Folder, away);
        Directory.Delete(away, recursive: true);
        return true;
    }

    // Of a process that died while it removed something.
    private void RemoveRemains()
    {
        foreach (var remains in Directory.EnumerateDirectories(_folder, $"{Removing}*"))
            Directory.Delete(remains, recursive: true);
    }

    private bool HasFree(long bytes) => Free() - FreeMargin >= bytes;

    private long Free() => new DriveInfo(_folder).AvailableFreeSpace;
}
