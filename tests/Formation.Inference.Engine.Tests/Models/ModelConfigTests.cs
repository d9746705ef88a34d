using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Models;

public sealed class ModelConfigTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void A_models_sizes_are_those_of_its_metadata()
    {
        using var file = Open(Metadata());

        var config = ModelConfig.Read(file);

        Assert.Equal("llama", config.Architecture.Name);
        Assert.Equal((2, 128, 64, 96), (config.LayerCount, config.ContextLength, config.HiddenSize, config.FeedForwardSize));
        Assert.Equal((4, 2, 16, 32), (config.HeadCount, config.KvHeadCount, config.HeadSize, config.VocabularySize));
        Assert.Equal(0.25f, config.AttentionScale);
        Assert.Equal(0, config.SlidingWindow);
        Assert.Equal((16, 10_000.0, 1.0), (config.Rotary.Dimensions, config.Rotary.Base, config.Rotary.Factor));
    }

    [Fact]
    public void Without_KV_heads_there_are_as_many_as_heads()
    {
        var metadata = Metadata();
        metadata.Remove("llama.attention.head_count_kv");
        using var file = Open(metadata);

        Assert.Equal(4, ModelConfig.Read(file).KvHeadCount);
    }

    [Fact]
    public void One_value_for_each_layer_is_taken_where_all_agree()
    {
        using var file = Open(Metadata(("llama.attention.head_count_kv", new[] { 1, 1 })));

        Assert.Equal(1, ModelConfig.Read(file).KvHeadCount);
    }

    public static TheoryData<string, object> Refused() => new()
    {
        { "general.architecture", "gpt-j" },
        { "llama.block_count", 0u },
        { "llama.block_count", 1_000_000u },
        { "llama.context_length", 0u },
        { "llama.embedding_length", 0u },
        { "llama.embedding_length", 4_000_000_000u },
        { "llama.feed_forward_length", 0u },
        { "llama.attention.head_count", 0u },
        { "llama.attention.head_count", 3u },
        { "llama.attention.head_count", 100_000u },
        { "llama.attention.head_count_kv", 0u },
        { "llama.attention.head_count_kv", 3u },
        { "llama.attention.head_count_kv", new[] { 2, 4 } },
        { "llama.attention.head_count_kv", new[] { 2 } },
        { "llama.attention.head_count_kv", new[] { -1, -1 } },
        { "llama.attention.key_length", 15u },
        { "llama.attention.key_length", 4096u },
        { "llama.attention.value_length", 8u },
        { "llama.attention.layer_norm_rms_epsilon", 0f },
        { "llama.attention.layer_norm_rms_epsilon", float.NaN },
        { "llama.attention.scale", -1f },
        { "llama.expert_count", 8u },
        { "llama.vocab_size", 33u },
        { "llama.rope.dimension_count", 15u },
        { "llama.rope.dimension_count", 18u },
        { "llama.rope.freq_base", 0f },
        { "llama.rope.freq_base", float.PositiveInfinity },
        { "llama.rope.scaling.type", "longrope" },
        { "llama.rope.scaling.factor", -2f },
        { "llama.rope.scaling.original_context_length", 0u },
        { "llama.rope.scaling.yarn_beta_fast", -1f },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_value_that_can_not_be_is_refused_by_its_key(string key, object value)
    {
        using var file = Open(Metadata((key, value)));

        var error = Assert.Throws<GgufException>(() => ModelConfig.Read(file));

        Assert.Contains(value is string text ? text : key, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("general.architecture")]
    [InlineData("llama.block_count")]
    [InlineData("llama.context_length")]
    [InlineData("llama.embedding_length")]
    [InlineData("llama.feed_forward_length")]
    [InlineData("llama.attention.head_count")]
    [InlineData("llama.attention.layer_norm_rms_epsilon")]
    public void A_missing_value_is_named(string key)
    {
        var metadata = Metadata();
        metadata.Remove(key);
        using var file = Open(metadata);

        Assert.Contains(key, Assert.Throws<GgufException>(() => ModelConfig.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_architecture_is_answered_with_those_that_are_computed()
    {
        using var file = Open(Metadata(("general.architecture", "gpt-j")));

        var error = Assert.Throws<GgufException>(() => ModelConfig.Read(file));

        Assert.Equal(GgufErrorKind.UnsupportedModel, error.Kind);
        Assert.Contains("llama, qwen2, qwen3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Llama_31_divisors_divide_the_frequencies()
    {
        var rotary = Rotary(RotaryScaling.None, factor: 1);

        var plain = rotary.ToFrequencies([]).Frequencies.ToArray();
        var divided = rotary.ToFrequencies([1, 1, 2, 2, 4, 4, 8, 8]).Frequencies.ToArray();

        Assert.Equal([1.0, 1, 2, 2, 4, 4, 8, 8], plain.Zip(divided, (p, d) => p / d), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Yarn_keeps_high_frequencies_and_divides_low_ones()
    {
        var trained = Rotary(RotaryScaling.None, factor: 1).ToFrequencies([]).Frequencies.ToArray();
        var yarn = Rotary(RotaryScaling.Yarn, factor: 4).ToFrequencies([]);
        var stretched = yarn.Frequencies.ToArray();

        Assert.Equal(trained[0], stretched[0], 1e-12);
        Assert.Equal(trained[^1] / 4, stretched[^1], 1e-12);
        Assert.Equal(1 + 0.1 * Math.Log(4), yarn.Magnitude, 1e-12);
    }

    public void Dispose() => _directory.Dispose();

    private static RotaryConfig Rotary(RotaryScaling scaling, double factor) => new()
    {
        Dimensions = 16,
        Base = 10_000,
        Scaling = scaling,
        Factor = factor,
        OriginalContextLength = 4096,
        AttentionFactor = 1,
    };

    private static Dictionary<string, object> Metadata(params (string Key, object Value)[] changes)
    {
        var metadata = new Dictionary<string, object>
        {
            ["general.architecture"] = "llama",
            ["llama.block_count"] = 2u,
            ["llama.context_length"] = 128u,
            ["llama.embedding_length"] = 64u,
            ["llama.feed_forward_length"] = 96u,
            ["llama.attention.head_count"] = 4u,
            ["llama.attention.head_count_kv"] = 2u,
            ["llama.attention.layer_norm_rms_epsilon"] = 1e-5f,
        };
        foreach (var (key, value) in changes)
            metadata[key] = value;
        return metadata;
    }

    private GgufFile Open(Dictionary<string, object> metadata)
    {
        var writer = new GgufWriter();
        foreach (var (key, value) in metadata)
        {
            switch (value)
            {
                case string text: writer.Add(key, text); break;
                case uint number: writer.Add(key, number); break;
                case float number: writer.Add(key, number); break;
                case int[] numbers: writer.Add(key, numbers); break;
                default: throw new ArgumentException($"no way to write {value.GetType()}", nameof(metadata));
            }
        }
        writer.AddTensor("token_embd.weight", TensorType.F32, [64, 32], new byte[64 * 32 * sizeof(float)]);
        var path = _directory.File("model.gguf");
        writer.Write(path);
        return GgufFile.Open(path);
    }
}
