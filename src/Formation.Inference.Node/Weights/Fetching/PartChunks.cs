using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Which chunks a part of a model needs.</summary>
static class PartChunks
{
    /// <summary>The chunks of all headers: they say where the tensors lie, and hold the tokenizer.</summary>
    public static ChunkSet OfHeaders(ModelManifest manifest)
    {
        var chunks = new ChunkSet(manifest.ChunkCount);
        for (var file = 0; file < manifest.Files.Count; file++)
            AddRange(chunks, manifest, file, 0, manifest.Files[file].HeaderLength);
        return chunks;
    }

    /// <summary>The chunks of the headers and of the part's tensors.</summary>
    /// <param name="file">The model; only its headers are read.</param>
    /// <exception cref="GgufException">It is not a model that this engine computes.</exception>
    /// <exception cref="InvalidDataException">It does not fit the manifest.</exception>
    public static ChunkSet Of(ModelManifest manifest, GgufFile file, Func<ModelConfig, ModelPart> part)
    {
        if (file.Paths.Count != manifest.Files.Count)
            throw new InvalidDataException($"a model of {file.Paths.Count} files, where the manifest has {manifest.Files.Count}");
        var config = ModelConfig.Read(file);
        var wanted = part(config);
        var chunks = OfHeaders(manifest);
        foreach (var tensor in file.Tensors)
            if (!wanted.Excludes(tensor.Name, config))
                AddRange(chunks, manifest, tensor.Part, tensor.Offset, tensor.Data.Length);
        return chunks;
    }

    /// <summary>Bytes of these chunks.</summary>
    public static long BytesOf(ModelManifest manifest, IEnumerable<int> chunks) => chunks.Sum(chunk => (long)manifest.PlaceOf(chunk).Length);

    private static void AddRange(ChunkSet chunks, ModelManifest manifest, int file, long offset, long length)
    {
        var (first, end) = manifest.ChunksOver(file, offset, length);
        for (var chunk = first; chunk < end; chunk++)
            chunks.Add(chunk);
    }
}
