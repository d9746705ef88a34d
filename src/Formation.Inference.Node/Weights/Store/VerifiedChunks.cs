using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>
/// The durable record of which chunks of some files are verified: 8 bytes for each chunk, a 1 and the first 7 bytes of its hash. So each entry speaks for itself
/// at a place of its own: several processes may write at once, and what a crash leaves torn, empty or of another model is no entry, and costs
/// fetching a chunk again.
/// </summary>
/// <param name="path">The file; made where it is missing.</param>
sealed class VerifiedChunks(string path, ModelManifest manifest)
{
    private const int EntryBytes = 8;
    private const byte Mark = 1;

    private delegate void EntryWriter(int chunk, Span<byte> entry);

    /// <summary>The chunks on record.</summary>
    /// <exception cref="IOException">The file can't be read.</exception>
    public ChunkSet Read()
    {
        var found = new ChunkSet(manifest.ChunkCount);
        if (!File.Exists(path))
            return found;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var entries = new byte[manifest.ChunkCount * EntryBytes];
        var length = file.ReadAtLeast(entries, entries.Length, throwOnEndOfStream: false);
        for (var chunk = 0; (chunk + 1) * EntryBytes <= length; chunk++)
            if (IsEntry(chunk, entries.AsSpan(chunk * EntryBytes, EntryBytes)))
                found.Add(chunk);
        return found;
    }

    /// <summary>Whether a chunk is on record.</summary>
    public bool Contains(int chunk)
    {
        if (!File.Exists(path))
            return false;
        using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        Span<byte> entry = stackalloc byte[EntryBytes];
        return RandomAccess.Read(file, entry, (long)chunk * EntryBytes) == EntryBytes && IsEntry(chunk, entry);
    }

    /// <summary>Puts chunks on record. Their bytes are on the disk already: a record may be lost, and is never ahead of them.</summary>
    public void Add(IReadOnlyCollection<int> chunks) => Write(chunks, EntryOf);

    /// <summary>Takes chunks off the record that turned out damaged, or are gone.</summary>
    public void Remove(IReadOnlyCollection<int> chunks) => Write(chunks, (_, entry) => entry.Clear());

    private void Write(IReadOnlyCollection<int> chunks, EntryWriter write)
    {
        if (chunks.Count == 0)
            return;
        using var file = StoreFiles.Open(path, FileMode.OpenOrCreate);
        Span<byte> entry = stackalloc byte[EntryBytes];
        foreach (var chunk in chunks)
        {
            write(chunk, entry);
            RandomAccess.Write(file.SafeFileHandle, entry, (long)chunk * EntryBytes);
        }
        file.Flush(flushToDisk: true);
    }

    private bool IsEntry(int chunk, ReadOnlySpan<byte> entry)
    {
        Span<byte> expected = stackalloc byte[EntryBytes];
        EntryOf(chunk, expected);
        return entry.SequenceEqual(expected);
    }

    private void EntryOf(int chunk, Span<byte> entry)
    {
        entry[0] = Mark;
        manifest.HashOf(chunk)[..(EntryBytes - 1)].CopyTo(entry[1..]);
    }
}
