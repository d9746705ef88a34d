using Microsoft.Win32.SafeHandles;

namespace Formation.Inference.Cluster.Weights;

/// <summary>A whole model in files of an operator's, read as they are asked for.</summary>
public sealed class ModelFiles : IServedModel, IDisposable
{
    private readonly SafeFileHandle[] _files;

    private ModelFiles(ModelManifest manifest, IReadOnlyList<string> paths, SafeFileHandle[] files)
    {
        Manifest = manifest;
        Paths = paths;
        _files = files;
    }

    public ModelManifest Manifest { get; }

    /// <summary>The files, in the manifest's order.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Opens a model's files.</summary>
    /// <param name="manifest">What they hold.</param>
    /// <param name="paths">Where, in the manifest's order.</param>
    /// <exception cref="InvalidDataException">They are not as many or as long as the manifest says.</exception>
    /// <exception cref="IOException">One can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read one.</exception>
    public static ModelFiles Open(ModelManifest manifest, IReadOnlyList<string> paths)
    {
        if (paths.Count != manifest.Files.Count)
            throw new InvalidDataException($"{paths.Count} files for a model of {manifest.Files.Count}");
        var files = new SafeFileHandle[paths.Count];
        try
        {
            for (var i = 0; i < files.Length; i++)
            {
                files[i] = File.OpenHandle(paths[i], options: FileOptions.RandomAccess);
                var length = RandomAccess.GetLength(files[i]);
                if (length != manifest.Files[i].Length)
                    throw new InvalidDataException($"{paths[i]} has {length} bytes; this model's file has {manifest.Files[i].Length}");
            }
            return new ModelFiles(manifest, paths, files);
        }
        catch
        {
            foreach (var file in files)
                file?.Dispose();
            throw;
        }
    }

    public ChunkSet Held() => ChunkSet.All(Manifest.ChunkCount);

    public async ValueTask<bool> TryReadAsync(int chunk, Memory<byte> destination, CancellationToken cancellationToken) =>
        await TryReadUncheckedAsync(chunk, destination, cancellationToken) && Manifest.Matches(chunk, destination.Span[..Manifest.PlaceOf(chunk).Length]);

    /// <summary>Reads what lies at the place of a chunk, whatever that is.</summary>
    /// <returns>False where the file was cut short since it was opened, or this was disposed.</returns>
    /// <inheritdoc cref="TryReadAsync"/>
    public async ValueTask<bool> TryReadUncheckedAsync(int chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var place = Manifest.PlaceOf(chunk);
        try
        {
            return await ChunkReading.TryFillAsync(_files[place.File], place, destination, cancellationToken);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }
}
