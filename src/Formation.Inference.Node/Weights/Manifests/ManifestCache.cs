using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Node.Weights.Manifests;

/// <summary>
/// Remembers manifests as long as the files that they were made from are untouched, so that a model is hashed once and not at each start.
/// Safe to use from any thread; one model is hashed at a time.
/// </summary>
/// <param name="folder">Made with mode 700 where it is missing.</param>
/// <param name="clock">Tells a file that was written just now from one that rests.</param>
/// <param name="chunkPower">Bytes of a chunk, as a power of two.</param>
public sealed class ManifestCache(string folder, TimeProvider clock, int chunkPower = ManifestLimits.UsualChunk)
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>The manifest of a model: remembered, or made now.</summary>
    /// <inheritdoc cref="ManifestBuilder.BuildAsync"/>
    public async Task<ManifestedModel> GetAsync(string path, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        path = Path.GetFullPath(path);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (Find(path) is { } known)
                return known;
            var begin = clock.GetUtcNow();
            var (model, stamps) = await ManifestBuilder.BuildStampedAsync(path, chunkPower, progress, cancellationToken);
            if (stamps.All(stamp => FileRest.Rested(stamp, begin)))
                Keep(path, model, stamps);
            return model;
        }
        finally
        {
            _turn.Release();
        }
    }

    private string FileOf(string path) =>
        Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))}.json");

    private ManifestedModel? Find(string path)
    {
        try
        {
            if (!File.Exists(FileOf(path)))
                return null;
            using var file = File.OpenRead(FileOf(path));
            var kept = JsonSerializer.Deserialize(file, ManifestCacheJson.Default.KeptManifest);
            if (kept is not { Files: not null, Manifest: not null } || kept.Files.Any(known => FileStamp.Of(known.Path) != known.Stamp))
                return null;
            var manifest = ModelManifest.Parse(kept.Manifest);
            return manifest.Digest == kept.Digest && manifest.ChunkBytes == 1 << chunkPower && manifest.Files.Count == kept.Files.Count
                ? new ManifestedModel(manifest, [.. kept.Files.Select(known => known.Path)])
                : null;
        }
        // What is damaged, or names files that are gone, is made anew.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
        {
            return null;
        }
    }

    private void Keep(string path, ManifestedModel model, FileStamp[] stamps)
    {
        try
        {
            PrivateFolder.Create(folder);
            var kept = new KeptManifest(
                model.Manifest.Digest, [.. model.Paths.Zip(stamps, (file, stamp) => new KeptFile(file, stamp))], model.Manifest.Bytes.ToArray());
            WholeFile.Write(FileOf(path), JsonSerializer.SerializeToUtf8Bytes(kept, ManifestCacheJson.Default.KeptManifest));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Hashed again at the next start.
        }
    }
}

/// <summary>What a file of the cache holds.</summary>
/// <param name="Manifest">Checked against the digest when it is read.</param>
internal sealed record KeptManifest(string Digest, IReadOnlyList<KeptFile> Files, byte[] Manifest);

internal sealed record KeptFile(string Path, FileStamp Stamp);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KeptManifest))]
internal sealed partial class ManifestCacheJson : JsonSerializerContext;
