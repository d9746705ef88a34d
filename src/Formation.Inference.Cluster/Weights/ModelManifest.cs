using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Formation.Inference.Cluster.Weights;

/// <summary>One file of a model.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="HeaderLength">Bytes before the first tensor's: what has to be there before anything else of the file can be understood.</param>
public readonly record struct ManifestFile(long Length, long HeaderLength);

/// <summary>Where a chunk lies.</summary>
/// <param name="File">Index of the file.</param>
/// <param name="Offset">First byte in that file.</param>
/// <param name="Length">Bytes: those of a chunk, or fewer at the end of a file.</param>
public readonly record struct ChunkPlace(int File, long Offset, int Length);

/// <summary>
/// What a model consists of: the lengths of its files, and the SHA-256 of each chunk of them. Names are no part of it, so that a model is the same
/// wherever it lies. The bytes have one form only, and their SHA-256 names the model: docs/formats/model-manifest.md.
/// </summary>
public sealed class ModelManifest
{
    /// <summary>Bytes of one hash.</summary>
    public const int HashBytes = SHA256.HashSizeInBytes;

    internal const int PreambleBytes = 12;
    internal const int FileEntryBytes = 16;
    private const int Version = 1;

    private readonly byte[] _bytes;
    private readonly ManifestFile[] _files;
    private readonly int[] _firstChunks;
    private readonly int _hashesStart;
    private readonly int _chunkPower;

    // Checked by whoever calls: the files are within all limits, and the bytes are exactly as long as they call for.
    private ModelManifest(byte[] bytes, ManifestFile[] files, int[] firstChunks, int chunkPower)
    {
        _bytes = bytes;
        _files = files;
        _firstChunks = firstChunks;
        _chunkPower = chunkPower;
        _hashesStart = PreambleBytes + (files.Length * FileEntryBytes);
        Digest = DigestOf(bytes);
        TotalBytes = files.Sum(file => file.Length);
    }

    private static ReadOnlySpan<byte> Magic => "FMAN"u8;

    /// <summary>SHA-256 of the manifest: 64 lower-case hexadecimal digits.</summary>
    public string Digest { get; }

    /// <summary>Bytes of a chunk; the last one of a file may have fewer.</summary>
    public int ChunkBytes => 1 << _chunkPower;

    /// <summary>The files, in order: at least one.</summary>
    public IReadOnlyList<ManifestFile> Files => _files;

    /// <summary>Chunks of all files together, numbered through from 0; each file begins a new one.</summary>
    public int ChunkCount => _firstChunks[^1];

    /// <summary>Bytes of all files together.</summary>
    public long TotalBytes { get; }

    /// <summary>The one binary form.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Makes a manifest.</summary>
    /// <param name="files">The model's files, in order.</param>
    /// <param name="chunkPower">Bytes of a chunk, as a power of two.</param>
    /// <param name="hashes">SHA-256 of each chunk, one after the other.</param>
    /// <exception cref="InvalidDataException">Something is outside <see cref="ManifestLimits"/>, or the hashes are not those of so many chunks.</exception>
    public static ModelManifest Create(IReadOnlyList<ManifestFile> files, int chunkPower, ReadOnlySpan<byte> hashes)
    {
        ManifestFile[] own = [.. files];
        var firstChunks = Layout(own, chunkPower);
        if (hashes.Length != (long)firstChunks[^1] * HashBytes)
            throw new InvalidDataException($"{hashes.Length} bytes of hashes for {firstChunks[^1]} chunks");
        var bytes = new byte[PreambleBytes + (own.Length * FileEntryBytes) + hashes.Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        bytes[6] = (byte)chunkPower;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), own.Length);
        for (var i = 0; i < own.Length; i++)
        {
            var entry = bytes.AsSpan(PreambleBytes + (i * FileEntryBytes));
            BinaryPrimitives.WriteInt64LittleEndian(entry, own[i].Length);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], own[i].HeaderLength);
        }
        hashes.CopyTo(bytes.AsSpan(bytes.Length - hashes.Length));
        return new ModelManifest(bytes, own, firstChunks, chunkPower);
    }

    /// <summary>Reads a manifest from outside.</summary>
    /// <exception cref="InvalidDataException">It is not one; the message says what is wrong.</exception>
    public static ModelManifest Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is < PreambleBytes or > ManifestLimits.ManifestBytes || !bytes[..4].SequenceEqual(Magic))
            throw new InvalidDataException("these bytes are no model manifest");
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) is var version and not Version)
            throw new InvalidDataException($"a manifest of version {version}; this program reads version {Version}");
        if (bytes[7] != 0)
            throw new InvalidDataException("a byte of the manifest that is 0 in this version is not");
        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (count is < 1 or > ManifestLimits.Files || bytes.Length < PreambleBytes + (count * FileEntryBytes))
            throw new InvalidDataException($"a manifest of {count} files and {bytes.Length} bytes");
        var files = new ManifestFile[count];
        for (var i = 0; i < count; i++)
        {
            var entry = bytes[(PreambleBytes + (i * FileEntryBytes))..];
            files[i] = new ManifestFile(BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]));
        }
        var firstChunks = Layout(files, bytes[6]);
        var expected = PreambleBytes + (count * FileEntryBytes) + ((long)firstChunks[^1] * HashBytes);
        if (bytes.Length != expected)
            throw new InvalidDataException($"a manifest of {bytes.Length} bytes; its files call for {expected}");
        return new ModelManifest(bytes.ToArray(), files, firstChunks, bytes[6]);
    }

    /// <summary>Chunks of files together.</summary>
    /// <exception cref="InvalidDataException">Something is outside <see cref="ManifestLimits"/>.</exception>
    public static int CountChunks(IReadOnlyList<ManifestFile> files, int chunkPower) => Layout([.. files], chunkPower)[^1];

    /// <summary>The digest of a manifest's bytes.</summary>
    public static string DigestOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Whether a text can be a digest: 64 lower-case hexadecimal digits, so that one model has one name.</summary>
    public static bool IsDigest(string? text) => text?.Length == 2 * HashBytes && text.All(char.IsAsciiHexDigitLower);

    /// <summary>Where a chunk lies.</summary>
    public ChunkPlace PlaceOf(int chunk)
    {
        RequireChunk(chunk);
        var found = Array.BinarySearch(_firstChunks, chunk);
        var file = found >= 0 ? found : ~found - 1;
        var offset = (long)(chunk - _firstChunks[file]) << _chunkPower;
        return new ChunkPlace(file, offset, (int)Math.Min(ChunkBytes, _files[file].Length - offset));
    }

    /// <summary>SHA-256 of a chunk.</summary>
    public ReadOnlySpan<byte> HashOf(int chunk)
    {
        RequireChunk(chunk);
        return _bytes.AsSpan(_hashesStart + (chunk * HashBytes), HashBytes);
    }

    /// <summary>Whether these are the bytes of a chunk.</summary>
    public bool Matches(int chunk, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != PlaceOf(chunk).Length)
            return false;
        Span<byte> hash = stackalloc byte[HashBytes];
        SHA256.HashData(bytes, hash);
        return hash.SequenceEqual(HashOf(chunk));
    }

    /// <summary>The chunks that hold a range of a file, which is not empty and lies in it: from the first up to, and without, the end.</summary>
    public (int First, int End) ChunksOver(int file, long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, _files[file].Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _files[file].Length - offset);
        var first = _firstChunks[file] + (int)(offset >> _chunkPower);
        return (first, _firstChunks[file] + (int)((offset + length - 1) >> _chunkPower) + 1);
    }

    // The number of each file's first chunk, and of all chunks at the end.
    private static int[] Layout(ManifestFile[] files, int chunkPower)
    {
        if (chunkPower is < ManifestLimits.SmallestChunk or > ManifestLimits.LargestChunk)
            throw new InvalidDataException($"chunks of 2^{chunkPower} bytes; 2^{ManifestLimits.SmallestChunk} to 2^{ManifestLimits.LargestChunk} are allowed");
        if (files.Length is < 1 or > ManifestLimits.Files)
            throw new InvalidDataException($"a model of {files.Length} files; 1 to {ManifestLimits.Files} are allowed");
        var firstChunks = new int[files.Length + 1];
        var chunks = 0L;
        for (var i = 0; i < files.Length; i++)
        {
            var file = files[i];
            if (file.Length is < 1 or > ManifestLimits.FileBytes)
                throw new InvalidDataException($"file {i} has {file.Length} bytes; 1 to {ManifestLimits.FileBytes} are allowed");
            if (file.HeaderLength < 1 || file.HeaderLength > Math.Min(file.Length, ManifestLimits.HeaderBytes))
                throw new InvalidDataException($"file {i} of {file.Length} bytes has a header of {file.HeaderLength}");
            chunks += ((file.Length - 1) >> chunkPower) + 1;
            if (chunks > ManifestLimits.Chunks)
                throw new InvalidDataException($"more than {ManifestLimits.Chunks} chunks");
            firstChunks[i + 1] = (int)chunks;
        }
        return firstChunks;
    }

    private void RequireChunk(int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunk);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(chunk, ChunkCount);
    }
}
