using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages.Groups;

public sealed class TwoMachinesTests() : TensorParallelConformance(TinyModelOptions.Llama with { MatrixType = TensorType.Q8_0 }, 2);

public sealed class FourMachinesTests() : TensorParallelConformance(
    TinyModelOptions.Qwen3 with { HeadCount = 8, KvHeadCount = 4, HeadSize = 64 }, 4);

/// <summary>What a local stage promises, promised by a leader and its followers.</summary>
public abstract class TensorParallelConformance(TinyModelOptions options, int members) : ModelStageConformance
{
    readonly TinyGroup _group = new(options, members);

    protected override int Width => _group.Shape.HiddenSize;

    protected override IModelStage CreateStage()
    {
        for (var rank = 1; rank < members; rank++)
            _group.Start(rank);
        return _group.ConnectAsync().GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Its_rows_are_those_of_members_in_one_process()
    {
        var exchange = new ThreadExchange(members);
        using var threads = new ThreadGroup([.. exchange.Members.Select((member, rank) => _group.CreateStage(rank, member))]);
        using var machines = CreateStage();
        var sequence = new StageSequence(5, 5, [3, 1, 2]);

        // The largest chunk goes over the links in several pieces.
        var expected = await new StageDriver(threads, Width, MaxRows).PrefillAsync(sequence, 1, 44, 2);
        var actual = await new StageDriver(machines, Width, MaxRows).PrefillAsync(sequence, 1, 44, 2);

        Assert.Equal(expected, actual);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _group.Dispose();
    }
}
