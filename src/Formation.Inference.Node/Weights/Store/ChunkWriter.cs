using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>
/// Writes verified chunks of one model to their places in files of the model's full lengths, which have holes everywhere else. A chunk goes on record only when the system
/// says that its bytes are on the disk; that is asked for many chunks at once, because it takes long. Safe to use from any thread.
/// </summary>
sealed class ChunkWriter : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ModelManifest _manifest;
    private readonly VerifiedChunks _record;
    private readonly FileStream[] _files;
    private readonly long _commitBytes;
    private List<int> _written = [];
    private long _writtenBytes;

    /// <param name="commitBytes">Bytes after which what was written goes on record; a crash costs so much at most.</param>
    /// <exception cref="IOException">The files can't be made.</exception>
    public ChunkWriter(ModelManifest manifest, StoreFiles files, long commitBytes)
    {
        _manifest = manifest;
        _record = new VerifiedChunks(files.Record, manifest);
        _commitBytes = commitBytes;
        _files = new FileStream[manifest.Files.Count];
        try
        {
            for (var i = 0; i < _files.Length; i++)
            {
                _files[i] = StoreFiles.Open(files.Data(i, _files.Length), FileMode.OpenOrCreate);
                if (_files[i].Length == manifest.Files[i].Length)
                    continue;
                // Whatever is on record was in a file that is gone. The record goes first: a crash in between leaves no wrong one.
                ForgetFile(i);
                _files[i].SetLength(manifest.Files[i].Length);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Writes a chunk that was verified.</summary>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public async ValueTask WriteAsync(int chunk, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var place = _manifest.PlaceOf(chunk);
        await RandomAccess.WriteAsync(_files[place.File].SafeFileHandle, bytes, place.Offset, cancellationToken);
        bool isDue;
        lock (_lock)
        {
            _written.Add(chunk);
            _writtenBytes += bytes.Length;
            isDue = _writtenBytes >= _commitBytes;
        }
        if (isDue)
            Commit();
    }

    /// <summary>Waits until what was written is on the disk, and puts it on record.</summary>
    public void Commit()
    {
        List<int> written;
        lock (_lock)
        {
            if (_written.Count == 0)
                return;
            written = _written;
            _written = [];
            _writtenBytes = 0;
        }
        foreach (var file in written.Select(chunk => _manifest.PlaceOf(chunk).File).Distinct())
            RandomAccess.FlushToDisk(_files[file].SafeFileHandle);
        _record.Add(written);
    }

    private void ForgetFile(int file)
    {
        var (first, end) = _manifest.ChunksOver(file, 0, _manifest.Files[file].Length);
        _record.Remove([.. _record.Read().Chunks.Where(chunk => chunk >= first && chunk < end)]);
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file?.Dispose();
    }
}
