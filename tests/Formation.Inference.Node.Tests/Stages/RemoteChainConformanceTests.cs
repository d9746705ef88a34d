using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class RemoteChainOfLlamaTests() : RemoteChainConformance(TinyModelOptions.Llama);

public sealed class RemoteChainOfQwen2Tests() : RemoteChainConformance(TinyModelOptions.Qwen2);

public sealed class RemoteChainOfQwen3Tests() : RemoteChainConformance(TinyModelOptions.Qwen3);

/// <summary>What a local stage promises, promised by a chain of two remote ones.</summary>
public abstract class RemoteChainConformance(TinyModelOptions options) : ModelStageConformance
{
    readonly TinyChain _stages = new(options);

    protected override int Width => _stages.Shape.HiddenSize;

    protected override IModelStage CreateStage()
    {
        _stages.Start(new LayerRange(0, 1));
        _stages.Start(new LayerRange(1, 1));
        return _stages.ConnectAsync(_stages.Model.AllLayers).GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Its_rows_are_those_of_a_stage_in_this_process()
    {
        using var local = _stages.CreateStage(_stages.Model.AllLayers);
        using var remote = CreateStage();
        var sequence = new StageSequence(5, 5, [3, 1, 2]);

        var expected = await new StageDriver(local, Width, MaxRows).PrefillAsync(sequence, 10, 23, 1);
        var actual = await new StageDriver(remote, Width, MaxRows).PrefillAsync(sequence, 10, 23, 1);

        Assert.Equal(expected, actual);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _stages.Dispose();
    }
}
