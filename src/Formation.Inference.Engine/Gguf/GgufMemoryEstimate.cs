namespace Formation.Inference.Engine.Gguf;

/// <summary>What running a model takes, in bytes. The cache is given for one sequence of <see cref="ContextLength"/> positions.</summary>
/// <param name="Weights">All tensors, as they are stored.</param>
/// <param name="ContextLength">Positions that the model was trained for.</param>
/// <param name="KvCacheF16">Keys and values of all layers as 16-bit floats.</param>
/// <param name="KvCacheQ8">The same in blocks of 32 values and a scale.</param>
/// <param name="Scratch">Activations of a prefill chunk of <see cref="ChunkRows"/> positions, and a row of logits.</param>
public sealed record GgufMemoryEstimate(long Weights, long ContextLength, long KvCacheF16, long KvCacheQ8, long Scratch)
{
    /// <summary>Positions of a prefill chunk that the estimate counts with.</summary>
    public const int ChunkRows = 512;

    private const int MaximumLayers = 4_096;

    /// <summary>Weights, the cache as 16-bit floats, and scratch memory.</summary>
    public long Total => Weights + KvCacheF16 + Scratch;

    /// <summary>Estimates, or gives null where a size is missing or absurd.</summary>
    internal static GgufMemoryEstimate? Of(
        IReadOnlyList<GgufTensor> tensors, GgufSummary.LenientMetadata metadata, Func<string, string> key, long? vocabulary)
    {
        if (tensors.Count == 0
            || vocabulary is null
            || metadata.Number(key("context_length")) is not { } context
            || metadata.Number(key("embedding_length")) is not { } hidden
            || metadata.Number(key("feed_forward_length")) is not { } feedForward
            || metadata.Number(key("block_count")) is not (> 0 and <= MaximumLayers and var layers))
            return null;

        Int128 kvValues = 0;
        Int128 widest = 0;
        for (var layer = 0; layer < layers; layer++)
        {
            if (metadata.Number(key("attention.head_count"), layer) is not { } heads)
                return null;
            var kvHeads = metadata.Number(key("attention.head_count_kv"), layer) ?? heads;
            // A layer without heads has no attention.
            var keyLength = metadata.Number(key("attention.key_length")) ?? hidden / Math.Max(heads, 1);
            var valueLength = metadata.Number(key("attention.value_length")) ?? keyLength;
            kvValues += (Int128)kvHeads * (keyLength + valueLength);
            widest = Int128.Max(widest, ((Int128)heads * keyLength * 2) + ((Int128)kvHeads * (keyLength + valueLength)));
        }
        var cached = kvValues * context;
        var scratch = ((ChunkRows * ((3 * (Int128)hidden) + widest + (2 * (Int128)feedForward))) + vocabulary.Value) * sizeof(float);
        var weights = tensors.Sum(tensor => tensor.Data.Length);
        return weights + (cached * 2) + scratch > long.MaxValue
            ? null
            : new GgufMemoryEstimate(weights, context, (long)(cached * 2), (long)(cached * 34 / 32), (long)scratch);
    }
}
