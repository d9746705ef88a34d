using System.Globalization;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Node.Weights;

/// <summary>Reads from a model's header what placement has to know: bytes as the engine keeps them in memory, and the work of each layer.</summary>
public static class ModelShapes
{
    // What the head holds logits for at once, beside those that the engine asks for, and the sampler's candidates.
    private const int HeadLogitRows = 16;
    private const int CandidateFloats = 18;

    /// <param name="file">The whole model; only its header is read.</param>
    /// <param name="modelId">The id that users know.</param>
    /// <param name="kvFormat">How keys and values will be stored.</param>
    /// <exception cref="GgufException">The file is not a model that this engine computes; the message names the key or tensor.</exception>
    /// <exception cref="ArgumentException">The model's heads do not fit the KV format.</exception>
    public static ModelShape Of(GgufFile file, string modelId, KvFormat kvFormat = KvFormat.F16)
    {
        var config = ModelConfig.Read(file);
        var kv = new KvCacheShape(1, config.KvHeadCount, config.HeadSize, 1, KvCacheShape.DefaultBlockSize, kvFormat);
        var embedding = file.RequireTensor("token_embd.weight");
        var norm = file.RequireTensor("output_norm.weight");
        var output = file.FindTensor("output.weight");
        var read = output ?? embedding;
        return new ModelShape
        {
            ModelId = modelId,
            ParameterCount = file.Tensors.Sum(tensor => tensor.ElementCount),
            Layers = Layers(file, config, kv),
            // A table that is only looked up stays where the file is mapped; one that is the output head too is laid out for the kernels.
            EmbeddingBytes = output is null ? BytesInMemory(embedding) : embedding.Data.Length,
            OutputBytes = BytesInMemory(norm) + (output is null ? 0 : BytesInMemory(output)),
            OutputReadBytes = BytesInMemory(read),
            OutputMultiplyAdds = MultiplyAdds(read),
            HiddenSize = config.HiddenSize,
            VocabularySize = config.VocabularySize,
            Embeds = config.Pooling.MakesVectors(),
            ScratchBytesPerRow = ScratchBytesPerRow(file, config),
            HeadScratchBytesPerRow = 2L * sizeof(float) * config.HiddenSize,
            HeadScratchBytes = sizeof(float) * ((2L * HeadLogitRows * config.HiddenSize)
                + ((HeadLogitRows + (long)new EngineOptions().MaxLogitsRows + CandidateFloats) * config.VocabularySize)),
            KvHeadCount = config.KvHeadCount,
            GroupSizes = [.. GroupSizes.Where(size => TensorShare.Divides(file, config, size))],
            GroupBytesPerLayer = VectorBytesPerLayer(file, config),
            KvFormat = NameOf(kvFormat),
            KvBlockSize = kv.BlockSize,
            ContextLength = config.ContextLength,
        };
    }

    /// <summary>The name of a KV format as options and plans write it.</summary>
    public static string NameOf(KvFormat format) => format.ToString().ToLowerInvariant();

    private static readonly int[] GroupSizes = [2, 4, TensorShare.MaxCount];

    private static long VectorBytesPerLayer(GgufFile file, ModelConfig config) => file.Tensors
        .Where(tensor => !IsMatrix(tensor) && LayerOf(tensor.Name) < config.LayerCount)
        .GroupBy(tensor => LayerOf(tensor.Name)).Select(layer => layer.Sum(BytesInMemory)).DefaultIfEmpty(0).Max();

    private static LayerShape[] Layers(GgufFile file, ModelConfig config, KvCacheShape kv)
    {
        var weights = new long[config.LayerCount];
        var work = new long[config.LayerCount];
        foreach (var tensor in file.Tensors)
        {
            if (LayerOf(tensor.Name) is not { } layer || layer >= config.LayerCount)
                continue;
            weights[layer] += BytesInMemory(tensor);
            work[layer] += MultiplyAdds(tensor);
        }
        // Queries meet keys and weights meet values, all heads, as floating-point numbers.
        var attention = 2L * config.QueryWidth * ModelShape.FloatMultiplyAdd;
        return [.. weights.Select((bytes, layer) => new LayerShape(bytes, kv.BytesPerBlock / kv.BlockSize, work[layer], attention))];
    }

    // "blk.12.attn_q.weight"
    private static int? LayerOf(string name)
    {
        var parts = name.Split('.', 3);
        return parts.Length == 3 && parts[0] == "blk" && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var layer)
            ? layer
            : null;
    }

    private static bool IsMatrix(GgufTensor tensor) => tensor.Dimensions.Count > 1;

    private static long BytesInMemory(GgufTensor tensor)
    {
        if (!IsMatrix(tensor))
            return checked(tensor.ElementCount * sizeof(float));
        var matrix = AsMatrix(tensor);
        return PackedMatrix.BytesOf(matrix.Type, matrix.Rows, matrix.Columns);
    }

    private static WeightMatrix AsMatrix(GgufTensor tensor) => tensor.AsMatrix(
        (int)Math.Min(tensor.Dimensions[1], int.MaxValue), (int)Math.Min(tensor.Dimensions[0], int.MaxValue));

    private static long MultiplyAdds(GgufTensor tensor) => !IsMatrix(tensor)
        ? 0
        : checked(tensor.ElementCount * (TensorTypeInfo.Of(tensor.Type).BlockSize == 1 ? ModelShape.FloatMultiplyAdd : 1));

    // The matrices that a stage computes in, and the inputs of its linear layers as bytes with scales and sums, in each form that is used.
    private static long ScratchBytesPerRow(GgufFile file, ModelConfig config)
    {
        var floats = (2L * config.HiddenSize) + (2L * config.QueryWidth) + (2L * config.KvWidth) + config.FeedForwardSize + config.Rotary.Dimensions;
        var inputs = (long)config.HiddenSize + config.QueryWidth + config.FeedForwardSize;
        var blocks = file.Tensors.Where(tensor => IsMatrix(tensor) && LayerOf(tensor.Name) is not null)
            .Select(tensor => TensorTypeInfo.Of(tensor.Type).BlockSize).Where(block => block > 1).Distinct();
        return (floats * sizeof(float)) + blocks.Sum(block => inputs + (inputs / block * sizeof(float)) + (inputs / 16 * sizeof(short)));
    }
}
