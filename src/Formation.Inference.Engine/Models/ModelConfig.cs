using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Models;

/// <summary>A model's sizes and constants, read from a GGUF file's metadata and checked.</summary>
public sealed record ModelConfig
{
    // Far above any published model; a product of two of them fits a long, and a row of any of them is a modest allocation.
    private const int MaxLayers = 1_024;
    private const int MaxWidth = 1 << 20;
    private const int MaxHeads = 4_096;
    private const int MaxContext = 1 << 27;
    private const int MaxVocabulary = 1 << 24;

    /// <summary>What the decoder does.</summary>
    public required Architecture Architecture { get; init; }

    /// <summary>Name that the file gives its model, or null.</summary>
    public string? Name { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Positions that the model was trained for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Width of a row of hidden states.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layer's gate.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>Query heads of a layer, a multiple of <see cref="KvHeadCount"/>.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads of a layer.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>Values of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Epsilon of every RMSNorm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Multiplies attention scores.</summary>
    public required float AttentionScale { get; init; }

    /// <summary>Positions that attention sees, or 0 for all.</summary>
    public required int SlidingWindow { get; init; }

    /// <summary>How one vector is made of a text's hidden states.</summary>
    public Pooling Pooling { get; init; }

    /// <summary>The rotary embedding.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>Width of a row of queries: all heads.</summary>
    public int QueryWidth => HeadCount * HeadSize;

    /// <summary>Width of a row of keys, and of values: all KV heads.</summary>
    public int KvWidth => KvHeadCount * HeadSize;

    /// <summary>Reads and checks a model's configuration.</summary>
    /// <exception cref="GgufException">A value is missing, out of range, at odds with another, or asks for what is not
    /// computed.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var metadata = file.Metadata;
        var architecture = Architecture.Of(metadata);
        string Key(string name) => $"{architecture.Name}.{name}";

        RefuseExperts(metadata, Key("expert_count"));
        var layers = metadata.RequireInt32(Key("block_count"), 1, MaxLayers);
        var context = metadata.RequireInt32(Key("context_length"), 1, MaxContext);
        var hidden = metadata.RequireInt32(Key("embedding_length"), 1, MaxWidth);
        var heads = RequirePerLayer(metadata, Key("attention.head_count"), layers, MaxHeads);
        var kvHeads = metadata.Contains(Key("attention.head_count_kv"))
            ? RequirePerLayer(metadata, Key("attention.head_count_kv"), layers, MaxHeads)
            : heads;
        if (heads % kvHeads != 0)
        {
            throw Inconsistent(
                $"{Key("attention.head_count")} is {heads}, which is no multiple of {Key("attention.head_count_kv")}, {kvHeads}");
        }

        var headSize = HeadSizeOf(metadata, Key, hidden, heads);
        var epsilon = metadata.RequireSingle(Key("attention.layer_norm_rms_epsilon"));
        if (epsilon is <= 0 or >= 1)
            throw Inconsistent($"{Key("attention.layer_norm_rms_epsilon")} is {epsilon} and must be between 0 and 1");
        var scale = metadata.GetSingle(Key("attention.scale"), 0);
        if (scale < 0)
            throw Inconsistent($"{Key("attention.scale")} is {scale} and must be positive");

        return new ModelConfig
        {
            Architecture = architecture,
            Name = metadata.FindString("general.name"),
            LayerCount = layers,
            ContextLength = context,
            HiddenSize = hidden,
            FeedForwardSize = RequirePerLayer(metadata, Key("feed_forward_length"), layers, MaxWidth),
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            VocabularySize = VocabularySizeOf(file, Key("vocab_size")),
            NormEpsilon = epsilon,
            AttentionScale = scale == 0 ? 1 / MathF.Sqrt(headSize) : scale,
            SlidingWindow = metadata.GetInt32(Key("attention.sliding_window"), 0, 0, MaxContext),
            Pooling = PoolingOfFile.Read(metadata, Key("pooling_type")),
            Rotary = RotaryConfig.Read(metadata, architecture.Name, headSize, context),
        };
    }

    /// <summary>A value that may be one number or one a layer; layers that differ are not computed.</summary>
    private static int RequirePerLayer(GgufMetadata metadata, string key, int layers, int maximum)
    {
        if (metadata.TypeOf(key) != GgufValueType.Array)
            return metadata.RequireInt32(key, 1, maximum);
        var values = metadata.RequireArray(key).ToInt32s();
        if (values.Length != layers)
            throw Inconsistent($"{key} has {values.Length} values for {layers} layers");
        foreach (var value in values)
        {
            if (value < 1 || value > maximum)
                throw Inconsistent($"{key} holds {value}; each value must be from 1 to {maximum}");
        }
        return values.All(value => value == values[0])
            ? values[0]
            : throw Unsupported($"{key} differs from layer to layer, which this engine does not compute");
    }

    private static int HeadSizeOf(GgufMetadata metadata, Func<string, string> key, int hidden, int heads)
    {
        const int Maximum = Kernels.Attention.KvLayout.MaxHeadSize;
        var keyLength = (int?)metadata.FindInteger(key("attention.key_length"), 1, Maximum);
        var valueLength = (int?)metadata.FindInteger(key("attention.value_length"), 1, Maximum);
        if (keyLength is null && hidden % heads != 0)
            throw Inconsistent($"{key("embedding_length")} is {hidden}, which is no multiple of {key("attention.head_count")}, {heads}");
        var size = keyLength ?? hidden / heads;
        if (size > Maximum)
        {
            throw Inconsistent(
                $"heads have {size} values ({key("embedding_length")} over {key("attention.head_count")}); the limit is {Maximum}");
        }
        if (size % 2 != 0)
            throw Inconsistent($"heads of {size} values can't rotate in pairs; {key("attention.key_length")} must be even");
        if ((valueLength ?? size) != size)
        {
            throw Unsupported(
                $"{key("attention.value_length")} is {valueLength} beside keys of {size}; " +
                "this engine computes heads whose keys and values are as long");
        }
        return size;
    }

    private static int VocabularySizeOf(GgufFile file, string key)
    {
        var embedding = file.RequireTensor(TensorNames.TokenEmbedding);
        var rows = embedding.Dimensions.Count == 2 ? embedding.Dimensions[1] : 0;
        if (rows is < 1 or > MaxVocabulary)
            throw Inconsistent($"tensor {embedding.Name} has {rows} rows and must have from 1 to {MaxVocabulary}");
        if (file.Metadata.FindInteger(key) is { } declared && declared != rows)
            throw Inconsistent($"{key} is {declared} and tensor {embedding.Name} has {rows} rows");
        if (file.Metadata.FindArray("tokenizer.ggml.tokens") is { } tokens && tokens.Count != rows)
            throw Inconsistent($"tokenizer.ggml.tokens has {tokens.Count} tokens and tensor {embedding.Name} has {rows} rows");
        return (int)rows;
    }

    private static void RefuseExperts(GgufMetadata metadata, string key)
    {
        if (metadata.FindInteger(key) is { } experts and not 0)
            throw Unsupported($"{key} is {experts}; this engine does not compute mixtures of experts");
    }

    private static GgufException Unsupported(string message) => new(GgufErrorKind.UnsupportedModel, -1, message);

    private static GgufException Inconsistent(string message) => new(GgufErrorKind.OutOfRange, -1, message);
}
