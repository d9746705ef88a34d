using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Testing.Models;

/// <summary>How positions are stretched beyond the context that a model was trained with.</summary>
public enum TinyRopeScaling
{
    None,

    /// <summary>Positions divided by the factor.</summary>
    Linear,

    /// <summary>YaRN, with its interpolation by frequency and attention temperature.</summary>
    Yarn,

    /// <summary>Llama 3.1's: a divisor for each frequency in the tensor rope_freqs.weight.</summary>
    Llama3,
}

/// <summary>The shape and content of a model with random weights.</summary>
public sealed record TinyModelOptions
{
    /// <summary>llama, qwen2 or qwen3.</summary>
    public string Architecture { get; init; } = "llama";

    public string Name { get; init; } = "tiny";

    public int HiddenSize { get; init; } = 256;

    public int LayerCount { get; init; } = 2;

    public int HeadCount { get; init; } = 4;

    public int KvHeadCount { get; init; } = 2;

    /// <summary>Values of one head; where null, HiddenSize / HeadCount.</summary>
    public int? HeadSize { get; init; }

    public int FeedForwardSize { get; init; } = 512;

    public int VocabularySize { get; init; } = 512;

    /// <summary>Whether the ids that no merge makes are words too instead of unused, so that any generated token is text.</summary>
    public bool SpeaksEveryToken { get; init; }

    /// <summary>Whether the vocabulary has tokens for filling gaps; no other id changes by that.</summary>
    public bool FillsGaps { get; init; }

    public int ContextLength { get; init; } = 512;

    /// <summary>Storage of the matrices; a row that is no whole number of blocks falls back to a format with smaller ones.</summary>
    public TensorType MatrixType { get; init; } = TensorType.F32;

    /// <summary>Storage of the token embedding; where null, as the matrices.</summary>
    public TensorType? EmbeddingType { get; init; }

    /// <summary>Storage of the output head; where null, as the matrices.</summary>
    public TensorType? OutputType { get; init; }

    public float RmsNormEpsilon { get; init; } = 1e-5f;

    public float RopeFrequencyBase { get; init; } = 10_000;

    public TinyRopeScaling RopeScaling { get; init; }

    public float RopeScalingFactor { get; init; } = 4;

    /// <summary>Context that the model counts as trained with, for linear and YaRN scaling.</summary>
    public int OriginalContextLength { get; init; } = 128;

    /// <summary>Whether query, key and value have biases; where null, as the architecture has it (qwen2 does).</summary>
    public bool? HasAttentionBias { get; init; }

    /// <summary>Whether attention's output and the feed-forward matrices have biases.</summary>
    public bool HasOtherBias { get; init; }

    /// <summary>Whether the output head is the token embedding.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Positions that attention looks back, where limited.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Name of the pre-tokenizer in tokenizer.ggml.pre.</summary>
    public string PreTokenizer { get; init; } = "llama-bpe";

    /// <summary>Whether the tokenizer puts the beginning-of-text token in front.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>Whether the tokenizer puts the end-of-text token behind a text; where null, the file says nothing.</summary>
    public bool? AddEos { get; init; }

    /// <summary>The number in <c>pooling_type</c>; where null, the file says nothing.</summary>
    public uint? PoolingType { get; init; }

    /// <summary>The chat template; where null, the file has none.</summary>
    public string? ChatTemplate { get; init; } = TinyModel.ChatMlTemplate;

    /// <summary>Leaves the tensors out.</summary>
    public bool VocabularyOnly { get; init; }

    public ulong Seed { get; init; } = 1;

    public int EffectiveHeadSize => HeadSize ?? HiddenSize / HeadCount;

    public bool EffectiveAttentionBias => HasAttentionBias ?? Architecture == "qwen2";

    public static TinyModelOptions Llama { get; } = new();

    public static TinyModelOptions Qwen2 { get; } = new()
    {
        Architecture = "qwen2",
        RmsNormEpsilon = 1e-6f,
        RopeFrequencyBase = 1_000_000,
        PreTokenizer = "qwen2",
        AddBos = false,
    };

    public static TinyModelOptions Qwen3 { get; } = Qwen2 with { Architecture = "qwen3", HeadSize = 128 };

    /// <summary>The shape of SmolLM2 135M, for measurements.</summary>
    public static TinyModelOptions Llama135M { get; } = new()
    {
        Name = "random-135m",
        HiddenSize = 576,
        LayerCount = 30,
        HeadCount = 9,
        KvHeadCount = 3,
        FeedForwardSize = 1536,
        VocabularySize = 49_152,
        SpeaksEveryToken = true,
        ContextLength = 8192,
        RopeFrequencyBase = 100_000,
        TiedEmbeddings = true,
        PreTokenizer = "smollm",
        MatrixType = TensorType.Q8_0,
    };

    /// <summary>The layers of Llama 3.2 1B with a vocabulary of 32,000, for measurements: 1.04 B parameters.</summary>
    public static TinyModelOptions Llama1B { get; } = new()
    {
        Name = "random-1b",
        HiddenSize = 2048,
        LayerCount = 16,
        HeadCount = 32,
        KvHeadCount = 8,
        FeedForwardSize = 8192,
        VocabularySize = 32_000,
        SpeaksEveryToken = true,
        ContextLength = 8192,
        RopeFrequencyBase = 500_000,
        TiedEmbeddings = true,
        MatrixType = TensorType.Q4_K,
    };

    /// <summary>The shape of Llama 3.1 8B, for measurements: 8.03 B parameters.</summary>
    public static TinyModelOptions Llama8B { get; } = new()
    {
        Name = "random-8b",
        HiddenSize = 4096,
        LayerCount = 32,
        HeadCount = 32,
        KvHeadCount = 8,
        FeedForwardSize = 14_336,
        VocabularySize = 128_256,
        SpeaksEveryToken = true,
        ContextLength = 8192,
        RopeFrequencyBase = 500_000,
        MatrixType = TensorType.Q4_K,
    };
}
