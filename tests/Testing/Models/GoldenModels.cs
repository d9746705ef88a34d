using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Testing.Models;

/// <summary>
/// The models whose logits another program computed (Engine.Tests/Golden/logits): every architecture and every computed format.
/// </summary>
public static class GoldenModels
{
    private static readonly TinyModelOptions Llama = TinyModelOptions.Llama with { VocabularySize = 320 };
    private static readonly TinyModelOptions Qwen2 = TinyModelOptions.Qwen2 with { VocabularySize = 320 };
    private static readonly TinyModelOptions Qwen3 = TinyModelOptions.Qwen3 with { VocabularySize = 320 };

    // Seeds for which the most probable token of every step leads by far more than the other program's rounding of activations moves a
    // logit.
    private static readonly Dictionary<TensorType, ulong> MatrixSeeds = new()
    {
        [TensorType.F32] = 100,
        [TensorType.F16] = 101,
        [TensorType.BF16] = 9830,
        [TensorType.Q4_0] = 102,
        [TensorType.Q4_1] = 9903,
        [TensorType.Q5_0] = 19906,
        [TensorType.Q5_1] = 24607,
        [TensorType.Q8_0] = 43508,
        [TensorType.Q2_K] = 47410,
        [TensorType.Q3_K] = 18711,
        [TensorType.Q4_K] = 45412,
        [TensorType.Q5_K] = 18813,
        [TensorType.Q6_K] = 49014,
        [TensorType.IQ4_NL] = 2420,
        [TensorType.IQ4_XS] = 49523,
        [TensorType.MXFP4] = 29139,
    };

    /// <summary>All models by name, which is also the name of their file and of their golden data.</summary>
    public static IReadOnlyDictionary<string, TinyModelOptions> All { get; } = new SortedDictionary<string, TinyModelOptions>(
        Architectures().Concat(Embeddings()).Concat(Matrices()).ToDictionary(), StringComparer.Ordinal);

    private static Dictionary<string, TinyModelOptions> Architectures() => new()
    {
        ["llama"] = Llama,
        ["llama-attention-bias"] = Llama with { HasAttentionBias = true, Seed = 2 },
        ["llama-every-bias"] = Llama with { HasAttentionBias = true, HasOtherBias = true, Seed = 13 },
        ["llama-tied"] = Llama with { TiedEmbeddings = true, Seed = 3 },
        ["llama-multi-head"] = Llama with { KvHeadCount = 4, Seed = 4 },
        ["llama-multi-query"] = Llama with { KvHeadCount = 1, HeadSize = 32, Seed = 5 },
        ["llama-rope-linear"] = Llama with { RopeScaling = TinyRopeScaling.Linear, Seed = 6 },
        ["llama-rope-yarn"] = Llama with { RopeScaling = TinyRopeScaling.Yarn, Seed = 7 },
        ["llama-rope-llama3"] = Llama with { RopeScaling = TinyRopeScaling.Llama3, RopeFrequencyBase = 500_000, Seed = 8 },
        ["qwen2"] = Qwen2 with { Seed = 9 },
        ["qwen2-rope-yarn"] = Qwen2 with { RopeScaling = TinyRopeScaling.Yarn, TiedEmbeddings = true, Seed = 10 },
        ["qwen3"] = Qwen3 with { Seed = 11 },
        ["qwen3-tied"] = Qwen3 with { TiedEmbeddings = true, Seed = 12 },
    };

    // A lookup gives every program the format's exact values, and float32 does the rest: a wrong bit in a format shows.
    private static Dictionary<string, TinyModelOptions> Embeddings() => MatrixSeeds.Keys
        .Where(type => type != TensorType.F32)
        .ToDictionary(type => $"embedding-{type}", type => Llama with { EmbeddingType = type, Seed = 20 + (ulong)type });

    private static Dictionary<string, TinyModelOptions> Matrices() => MatrixSeeds.ToDictionary(
        format => $"matrices-{format.Key}", format => Llama with { MatrixType = format.Key, Seed = format.Value });
}
