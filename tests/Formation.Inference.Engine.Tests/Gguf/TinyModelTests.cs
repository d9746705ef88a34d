using System.Security.Cryptography;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class TinyModelTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<TensorType> ComputedTypes =>
        [.. Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Of(type).IsComputed)];

    [Theory]
    [MemberData(nameof(ComputedTypes))]
    public void A_model_in_every_computed_type_opens_with_its_shape(TensorType type)
    {
        var options = TinyModelOptions.Llama with { MatrixType = type };
        using var file = Open(options);

        Assert.Equal("llama", file.Metadata.RequireString("general.architecture"));
        Assert.Equal(options.VocabularySize, file.Metadata.RequireStrings("tokenizer.ggml.tokens").Count);
        Assert.Equal(3 + (9 * options.LayerCount), file.Tensors.Count);
        Assert.Equal(type, file.RequireTensor("blk.1.ffn_down.weight").Type);
        Assert.Equal([options.FeedForwardSize, options.HiddenSize], file.RequireTensor("blk.1.ffn_down.weight").Dimensions);
        Assert.Equal(TensorType.F32, file.RequireTensor("output_norm.weight").Type);
    }

    [Fact]
    public void The_architectures_differ_by_their_tensors()
    {
        using (var qwen2 = Open(TinyModelOptions.Qwen2))
        {
            Assert.NotNull(qwen2.FindTensor("blk.0.attn_q.bias"));
            Assert.Null(qwen2.FindTensor("blk.0.attn_q_norm.weight"));
        }
        using (var qwen3 = Open(TinyModelOptions.Qwen3 with { TiedEmbeddings = true }))
        {
            Assert.Null(qwen3.FindTensor("blk.0.attn_q.bias"));
            Assert.Equal([128], qwen3.RequireTensor("blk.0.attn_k_norm.weight").Dimensions);
            Assert.Equal([256, 512], qwen3.RequireTensor("blk.0.attn_q.weight").Dimensions);
            Assert.Null(qwen3.FindTensor("output.weight"));
        }
        using var llama = Open(TinyModelOptions.Llama with { RopeScaling = TinyRopeScaling.Llama3 });
        Assert.Equal([32], llama.RequireTensor("rope_freqs.weight").Dimensions);
        Assert.Equal(1, llama.RequireTensor("rope_freqs.weight").ReadVector(32)[0]);
    }

    // The bytes are compared with golden logits of another program, so they may not change unnoticed.
    [Theory]
    [InlineData("llama", TensorType.F32, "7901e57a83cd8504e7f3d2960739ff9685faeaaa79402aa7580cb4e172367c6a")]
    [InlineData("llama", TensorType.Q4_K, "c515e86e3ab13cbb6127a07ed9a4e12ef40e4b208c70dbc33ff85ae4de7b1e7a")]
    [InlineData("qwen2", TensorType.Q8_0, "e0620562b360b50decf0ce58f2ba99b4f6f45ba0b144825bee3913b53e472bac")]
    [InlineData("qwen3", TensorType.Q6_K, "33f9ed29bf1a5eae418864b828b0711b7c64290014f5aebf05cf308227c3ad2c")]
    public void The_bytes_of_a_model_depend_on_its_options_alone(string architecture, TensorType type, string expectedSha256)
    {
        var preset = architecture switch
        {
            "llama" => TinyModelOptions.Llama,
            "qwen2" => TinyModelOptions.Qwen2,
            _ => TinyModelOptions.Qwen3,
        };
        var stream = new MemoryStream();
        TinyModel.Build(stream, preset with { MatrixType = type });

        Assert.Equal(expectedSha256, Convert.ToHexStringLower(SHA256.HashData(stream.ToArray())));
    }

    [Fact]
    public void Another_seed_gives_other_weights()
    {
        static byte[] Weights(ulong seed)
        {
            var stream = new MemoryStream();
            TinyModel.Build(stream, TinyModelOptions.Llama with { Seed = seed });
            return SHA256.HashData(stream.ToArray());
        }

        Assert.NotEqual(Weights(1), Weights(2));
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void Plain_weights_have_the_spread_that_was_asked_for(TensorType type)
    {
        var stream = new MemoryStream();
        var writer = new GgufWriter();
        writer.AddTensor("v", type, [20_000], RandomWeights.Bytes(type, 20_000, 0.5, new SplitMix64(7), mean: 1));
        writer.Write(_folder.File("v.gguf"));
        using var file = GgufFile.Open(_folder.File("v.gguf"));
        var values = file.RequireTensor("v").ReadVector(20_000);

        var mean = values.Average();
        Assert.InRange(mean, 0.98, 1.02);
        Assert.InRange(Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), 0.48, 0.52);
    }

    public static TheoryData<TensorType> BlockTypes =>
        [.. Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Of(type) is { IsComputed: true, BlockSize: > 1 })];

    // About: the quants of Q4_0 reach from -8 to 7, so their mean is half a step below 0, and the scales of MXFP4 are powers of two.
    [Theory]
    [MemberData(nameof(BlockTypes))]
    public void Weights_in_blocks_have_about_the_spread_that_was_asked_for(TensorType type)
    {
        var values = new float[256 * 80];
        Dequantizer.Row(type, RandomWeights.Bytes(type, values.Length, 0.5, new SplitMix64(8)), values);

        Assert.InRange(values.Average(), -0.06, 0.06);
        Assert.InRange(Math.Sqrt(values.Average(value => (double)value * value)), 0.4, 0.6);
    }

    [Fact]
    public void A_vocabulary_has_every_byte_once_and_merges_of_known_tokens()
    {
        var vocabulary = new TinyVocabulary(512);

        Assert.Equal(512, vocabulary.Tokens.Distinct().Count());
        Assert.Equal(256, vocabulary.Tokens.Count(token => token.Length == 1));
        Assert.Equal("<|im_end|>", vocabulary.Tokens[vocabulary.ImEndId]);
        Assert.All(vocabulary.Merges, merge =>
        {
            var parts = merge.Split(' ');
            Assert.Equal(2, parts.Length);
            Assert.Contains(parts[0], vocabulary.Tokens);
            Assert.Contains(parts[1], vocabulary.Tokens);
            Assert.Contains(parts[0] + parts[1], vocabulary.Tokens);
        });
    }

    [Fact]
    public void The_smallest_vocabulary_has_bytes_and_control_tokens_only()
    {
        var vocabulary = new TinyVocabulary(TinyVocabulary.MinimumSize);

        Assert.Empty(vocabulary.Merges);
        Assert.Equal(261, vocabulary.Tokens.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TinyVocabulary(260));
    }

    private GgufFile Open(TinyModelOptions options)
    {
        var path = _folder.File("model.gguf");
        TinyModel.Build(path, options);
        return GgufFile.Open(path);
    }
}
