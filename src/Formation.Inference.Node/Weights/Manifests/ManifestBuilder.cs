using System.Buffers;
using System.Security.Cryptography;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Node.Weights.Manifests;

/// <summary>A model's manifest, and the files that it was made from.</summary>
/// <param name="Paths">Full paths, in the manifest's order.</param>
public sealed record ManifestedModel(ModelManifest Manifest, IReadOnlyList<string> Paths);

/// <summary>Makes manifests by reading models whole, once.</summary>
public static class ManifestBuilder
{
    // More readers than this do not make a disk faster.
    private const int MostThreads = 8;

    /// <summary>Hashes a model's files.</summary>
    /// <param name="path">A GGUF file, or any part of a split one.</param>
    /// <param name="chunkPower">Bytes of a chunk, as a power of two.</param>
    /// <param name="progress">Told the share of the bytes that is hashed, 0 to 1, on any thread; or null.</param>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="GgufException">The file is not a GGUF model.</exception>
    /// <exception cref="InvalidDataException">The model is larger than a manifest can say.</exception>
    /// <exception cref="IOException">A file can't be read, or changed while it was.</exception>
    public static async Task<ManifestedModel> BuildAsync(
        string path, int chunkPower = ManifestLimits.UsualChunk, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        (await BuildStampedAsync(path, chunkPower, progress, cancellationToken)).Model;

    /// <summary>Hashes a model's files, and says in which state they were meanwhile.</summary>
    /// <inheritdoc cref="BuildAsync"/>
    internal static async Task<(ManifestedModel Model, FileStamp[] Stamps)> BuildStampedAsync(
        string path, int chunkPower, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        // A header with a large vocabulary takes a moment to read.
        var (paths, files) = await Task.Run(() => Describe(path), cancellationToken);
        var stamps = paths.Select(FileStamp.Of).ToArray();
        var chunks = ModelManifest.CountChunks(files, chunkPower);
        var hashes = new byte[chunks * ModelManifest.HashBytes];
        var blank = ModelManifest.Create(files, chunkPower, hashes);
        using (var model = ModelFiles.Open(blank, paths))
            await HashAsync(model, hashes, progress, cancellationToken);
        if (!paths.Select(FileStamp.Of).SequenceEqual(stamps))
            throw new IOException($"{paths[0]} changed while it was read; wait until it is written, and try again");
        return (new ManifestedModel(ModelManifest.Create(files, chunkPower, hashes), paths), stamps);
    }

    /// <summary>Lengths of a model's files, and where in each the tensors begin.</summary>
    private static (IReadOnlyList<string> Paths, ManifestFile[] Files) Describe(string path)
    {
        using var model = GgufFile.Open(path);
        var paths = model.Paths;
        var files = paths.Select(part => new FileInfo(part).Length).Select(length => new ManifestFile(length, length)).ToArray();
        foreach (var tensor in model.Tensors)
            files[tensor.Part] = files[tensor.Part] with { HeaderLength = Math.Min(files[tensor.Part].HeaderLength, tensor.Offset) };
        return (paths, files);
    }

    private static async Task HashAsync(ModelFiles model, byte[] hashes, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var manifest = model.Manifest;
        var done = 0L;
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostThreads),
            CancellationToken = cancellationToken,
        };
        await Parallel.ForAsync(0, manifest.ChunkCount, options, async (chunk, stop) =>
        {
            var buffer = ArrayPool<byte>.Shared.Rent(manifest.ChunkBytes);
            try
            {
                var (file, _, length) = manifest.PlaceOf(chunk);
                if (!await model.TryReadUncheckedAsync(chunk, buffer, stop))
                    throw new IOException($"{model.Paths[file]} became shorter while it was read");
                SHA256.HashData(buffer.AsSpan(0, length), hashes.AsSpan(chunk * ModelManifest.HashBytes, ModelManifest.HashBytes));
                progress?.Report((double)Interlocked.Add(ref done, length) / manifest.TotalBytes);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        });
    }
}
