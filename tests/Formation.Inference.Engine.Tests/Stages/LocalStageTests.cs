using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Engine.Tests.Stages;

public sealed class LocalStageTests() : LocalStageConformance(TinyModelOptions.Llama, KvFormat.F16)
{
    [Fact]
    public void Layers_that_the_model_does_not_have_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Model.CreateStage(new LayerRange(1, 2)));

    [Fact]
    public void A_cache_of_another_models_shape_is_refused()
    {
        var layers = Model.Model.AllLayers;
        var cache = Model.Model.KvShape(layers, blockCount: 4) with { HeadCount = 3 };

        Assert.Throws<ArgumentException>(() => Model.Model.CreateStage(layers, cache, maxRows: 8));
    }

    [Fact]
    public async Task Activations_of_another_width_are_refused()
    {
        using var stage = Model.CreateStage(Model.Model.AllLayers);
        var driver = new StageDriver(stage, Width + 1);

        await Assert.ThrowsAsync<ArgumentException>(() => driver.PrefillAsync(new StageSequence(1, 1, [0]), 1));
    }

    [Fact]
    public void A_blocks_bytes_are_those_of_its_values()
    {
        // 2 layers, keys and values, 2 heads of 64 values, 16 positions.
        var values = 2 * 2 * 2 * 64 * 16;

        Assert.Equal(values * 2, Model.Model.KvShape(Model.Model.AllLayers, 1).BytesPerBlock);
        Assert.Equal(values * 4, Model.Model.KvShape(Model.Model.AllLayers, 1, format: KvFormat.F32).BytesPerBlock);
        Assert.Equal(values + values / 32 * 2, Model.Model.KvShape(Model.Model.AllLayers, 1, format: KvFormat.Q8_0).BytesPerBlock);
    }
}

public sealed class LocalStageWithQ8CacheTests() : LocalStageConformance(TinyModelOptions.Qwen3, KvFormat.Q8_0);

public sealed class LocalStageWithWindowTests() : LocalStageConformance(
    TinyModelOptions.Llama with { SlidingWindow = 9, MatrixType = TensorType.Q4_K, HeadSize = 40 }, KvFormat.F16);

/// <summary>The conformance suite over a model with random weights on the CPU.</summary>
public abstract class LocalStageConformance(TinyModelOptions options, KvFormat format) : ModelStageConformance
{
    private protected LoadedModel Model { get; } = new(options);

    protected override int Width => Model.Model.Config.HiddenSize;

    protected override IModelStage CreateStage()
    {
        var layers = Model.Model.AllLayers;
        return Model.Model.CreateStage(layers, Model.Model.KvShape(layers, BlockCount, BlockSize, format), MaxRows);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Model.Dispose();
    }
}
