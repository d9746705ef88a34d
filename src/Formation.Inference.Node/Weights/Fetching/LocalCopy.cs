using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Node.Weights.Store;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Looks whether an operator's own file is the model that is wanted, by the hashes of those chunks that the part needs.</summary>
/// <param name="record">Where it is remembered what was found, so that a restart does not read the file again.</param>
sealed class LocalCopy(ModelManifest manifest, StoreFiles record, TimeProvider clock, Action<string> log)
{
    // The work is hashing; more threads would take them from whoever computes.
    private const int MostThreads = 4;

    /// <summary>Checks a file.</summary>
    /// <param name="path">A GGUF file, or any part of a split one.</param>
    /// <param name="checkedBytes">Told the bytes that are checked and those that are needed, on any thread.</param>
    /// <returns>The model's files and the bytes that are needed of them, or null where they are not the model; that is logged.</returns>
    public async Task<(ModelFiles Files, long BytesNeeded)?> TryOpenAsync(
        string path, Func<ModelConfig, ModelPart> part, Action<long, long> checkedBytes, CancellationToken cancellationToken)
    {
        try
        {
            var (paths, needed) = await Task.Run(() => Look(path, part), cancellationToken);
            // Taken before the files are opened: another file that is moved to the path later does not pass for the one that was read.
            var begin = clock.GetUtcNow();
            var stamps = paths.Select(FileStamp.Of).ToArray();
            var files = ModelFiles.Open(manifest, paths);
            var isRight = false;
            try
            {
                isRight = await MatchesAsync(files, stamps, needed, checkedBytes, cancellationToken);
                if (isRight && stamps.All(stamp => FileRest.Rested(stamp, begin)))
                    RecordOf(files, stamps).Add([.. needed.Chunks]);
            }
            finally
            {
                if (!isRight)
                    files.Dispose();
            }
            if (isRight)
                return (files, PartChunks.BytesOf(manifest, needed.Chunks));
            log($"{path} is not used: its bytes are not those of the model");
        }
        catch (Exception error) when (error is GgufException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            log($"{path} is not used: {error.Message}");
        }
        return null;
    }

    private (IReadOnlyList<string> Paths, ChunkSet Needed) Look(string path, Func<ModelConfig, ModelPart> part)
    {
        using var file = GgufFile.Open(path);
        for (var i = 0; i < Math.Min(file.Paths.Count, manifest.Files.Count); i++)
            if (new FileInfo(file.Paths[i]).Length is var length && length != manifest.Files[i].Length)
                throw new InvalidDataException($"it has {length} bytes, and the model's file {manifest.Files[i].Length}");
        return (file.Paths, PartChunks.Of(manifest, file, part));
    }

    private async Task<bool> MatchesAsync(
        ModelFiles files, FileStamp[] stamps, ChunkSet needed, Action<long, long> checkedBytes, CancellationToken cancellationToken)
    {
        var known = RecordOf(files, stamps).Read();
        int[] open = [.. needed.Chunks.Where(chunk => !known.Contains(chunk))];
        return await AllMatchAsync(files, open, checkedBytes, cancellationToken)
            && files.Paths.Select(FileStamp.Of).SequenceEqual(stamps);
    }

    private VerifiedChunks RecordOf(ModelFiles files, FileStamp[] stamps) => new(record.LocalRecord(StateOf(files.Paths, stamps)), manifest);

    private async Task<bool> AllMatchAsync(ModelFiles files, int[] chunks, Action<long, long> checkedBytes, CancellationToken cancellationToken)
    {
        var total = PartChunks.BytesOf(manifest, chunks);
        var done = 0L;
        var areRight = true;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostThreads),
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(chunks, options, async (chunk, stop) =>
        {
            if (!Volatile.Read(ref areRight))
                return;
            var length = manifest.PlaceOf(chunk).Length;
            var buffer = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                if (!await files.TryReadAsync(chunk, buffer.AsMemory(0, length), stop))
                    Volatile.Write(ref areRight, false);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            checkedBytes(Interlocked.Add(ref done, length), total);
        });
        return areRight;
    }

    // Another file in the place of the one that was checked has another state, and so no record.
    private static string StateOf(IReadOnlyList<string> paths, FileStamp[] stamps)
    {
        var text = string.Join('\n', paths.Zip(stamps, (path, stamp) =>
            FormattableString.Invariant($"{path}\0{stamp.Inode} {stamp.Length} {stamp.ModifiedNanoseconds} {stamp.ChangedNanoseconds}")));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
