using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Models;

public sealed class TransformerModelTests : IDisposable
{
    private static readonly TinyModelOptions Options =
        TinyModelOptions.Llama with { HiddenSize = 64, FeedForwardSize = 96, VocabularySize = 300 };

    private readonly TemporaryDirectory _directory = new();
    private readonly CpuDevice _device = new(threads: 1);

    [Theory]
    [InlineData("token_embd.weight")]
    [InlineData("output_norm.weight")]
    [InlineData("blk.1.attn_q.weight")]
    [InlineData("blk.0.ffn_norm.weight")]
    public void A_missing_tensor_is_named(string name)
    {
        var error = LoadWith(tensor => tensor.Name != name);

        Assert.Equal(GgufErrorKind.MissingTensor, error.Kind);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blk.0.attn_k.weight", new long[] { 64, 48 })]
    [InlineData("blk.1.ffn_down.weight", new long[] { 64, 96 })]
    [InlineData("blk.0.attn_norm.weight", new long[] { 32 })]
    [InlineData("output.weight", new long[] { 64, 299 })]
    public void A_tensor_of_another_shape_is_refused_with_both_shapes(string name, long[] shape)
    {
        var error = LoadWith(tensor => tensor.Name != name, writer =>
            writer.AddTensor(name, TensorType.F32, shape, new byte[shape.Aggregate((a, b) => a * b) * sizeof(float)]));

        Assert.Equal(GgufErrorKind.InvalidShape, error.Kind);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(string.Join(" x ", shape), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_that_is_not_computed_is_refused_by_name()
    {
        const string Name = "blk.0.attn_q.weight";
        var bytes = new byte[TensorTypeInfo.Of(TensorType.NVFP4).RowBytes(64) * 64];

        var error = LoadWith(tensor => tensor.Name != Name, writer => writer.AddTensor(Name, TensorType.NVFP4, [64, 64], bytes));

        Assert.Contains("NVFP4", error.Message, StringComparison.Ordinal);
        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blk.0.attn_q_norm.weight")]
    [InlineData("blk.2.attn_norm.weight")]
    [InlineData("blk.0.ffn_gate_exps.weight")]
    public void A_tensor_that_the_architecture_does_not_have_is_refused(string name)
    {
        var error = LoadWith(_ => true, writer => writer.AddTensor(name, TensorType.F32, [16], new byte[64]));

        Assert.Equal(GgufErrorKind.UnsupportedModel, error.Kind);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_required_bias_that_is_missing_is_named()
    {
        var options = TinyModelOptions.Qwen2 with { HiddenSize = 64, FeedForwardSize = 96, VocabularySize = 300, HasAttentionBias = false };
        using var file = Build(options);

        var error = Assert.Throws<GgufException>(() => TransformerModel.Load(file, _device));

        Assert.Contains("blk.0.attn_q.bias", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_divisor_that_is_not_positive_is_refused()
    {
        var error = LoadWith(_ => true, writer => writer.AddTensor("rope_freqs.weight", TensorType.F32, [8], new byte[32]));

        Assert.Contains("rope_freqs.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_rises_to_one()
    {
        using var file = Build(Options);
        var progress = new RecordedProgress();

        using var model = TransformerModel.Load(file, _device, progress);

        Assert.Equal(progress.Values.Order(), progress.Values);
        Assert.Equal(1, progress.Values[^1]);
        Assert.True(progress.Values.Count > 10);
    }

    [Fact]
    public async Task Parts_of_a_model_on_devices_of_their_own_give_the_bits_of_the_whole()
    {
        using var file = Build(Options with { LayerCount = 4 });
        using var other = new CpuDevice(threads: 1);
        using var whole = TransformerModel.Load(file, _device);
        using var front = TransformerModel.LoadPart(file, new ModelPart(new LayerRange(0, 1), HasEnds: true), _device);
        using var back = TransformerModel.LoadPart(file, new ModelPart(new LayerRange(1, 3), HasEnds: false), other);

        Assert.Equal(await LogitsAsync(whole, Stage(whole, 0, 4)), await LogitsAsync(front, Stage(front, 0, 1), Stage(back, 1, 2), Stage(back, 3, 1)));

        static LocalStage Stage(TransformerModel model, int first, int count)
        {
            var layers = new LayerRange(first, count);
            return model.CreateStage(layers, model.KvShape(layers, 4), maxRows: 8);
        }

        static async Task<float[]> LogitsAsync(TransformerModel ends, params IModelStage[] stages)
        {
            using var pipeline = new Pipeline(ends.CreateHead(8), stages, 8);
            var logits = new float[pipeline.VocabularySize];
            var batch = new Batch(0, [new BatchSlice(0, SliceKind.Prefill, 0, 5, 0, new[] { 2 })]);
            await pipeline.ForwardAsync(batch, new[] { 5, 6, 7, 8, 9 }, new[] { 4 }, logits, CancellationToken.None);
            return logits;
        }
    }

    [Fact]
    public void A_part_reads_its_own_tensors_only_and_gives_nothing_else()
    {
        using var file = Build(Options with { LayerCount = 3 });
        var progress = new RecordedProgress();
        using var middle = TransformerModel.LoadPart(file, new ModelPart(new LayerRange(1, 1), HasEnds: false), _device, progress);

        Assert.Equal(1, progress.Values[^1]);
        Assert.Throws<InvalidOperationException>(() => middle.CreateHead(8));
        Assert.Throws<ArgumentOutOfRangeException>(() => middle.CreateStage(middle.AllLayers, middle.KvShape(middle.AllLayers, 4), 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => TransformerModel.LoadPart(file, new ModelPart(new LayerRange(2, 2), false), _device));
        Assert.Throws<ArgumentOutOfRangeException>(() => TransformerModel.LoadPart(file, new ModelPart(new LayerRange(-1, 1), false), _device));
    }

    [Theory]
    [InlineData("blk.2.attn_norm.weight")]
    [InlineData("blk.0.ffn_gate_exps.weight")]
    [InlineData("blk.x.attn_norm.weight")]
    public void A_tensor_that_no_model_has_is_refused_by_the_part_that_it_would_belong_to(string name)
    {
        var error = LoadWith(
            _ => true, writer => writer.AddTensor(name, TensorType.F32, [16], new byte[64]), new ModelPart(new LayerRange(0, 1), HasEnds: false));

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_load_throws()
    {
        using var file = Build(Options);
        using var source = new CancellationTokenSource();
        source.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => TransformerModel.Load(file, _device, null, source.Token));
    }

    public void Dispose()
    {
        _device.Dispose();
        _directory.Dispose();
    }

    private GgufException LoadWith(Func<GgufTensor, bool> keep, Action<GgufWriter>? add = null, ModelPart? part = null)
    {
        using var file = Rewrite(keep, add);
        return Assert.Throws<GgufException>(() =>
            TransformerModel.LoadPart(file, part ?? ModelPart.Whole(ModelConfig.Read(file)), _device));
    }

    /// <summary>The small model with some tensors left out or added.</summary>
    private GgufFile Rewrite(Func<GgufTensor, bool> keep, Action<GgufWriter>? add)
    {
        using var original = Build(Options);
        var writer = TinyModel.Writer(Options with { VocabularyOnly = true });
        foreach (var tensor in original.Tensors.Where(keep))
            writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions], tensor.Data.Span(0, (int)tensor.Data.Length).ToArray());
        add?.Invoke(writer);
        var path = _directory.File("changed.gguf");
        writer.Write(path);
        return GgufFile.Open(path);
    }

    private GgufFile Build(TinyModelOptions options)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        return GgufFile.Open(path);
    }

    private sealed class RecordedProgress : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public void Report(double value) => Values.Add(value);
    }
}
