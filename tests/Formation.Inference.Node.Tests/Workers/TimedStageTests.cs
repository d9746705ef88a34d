using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Workers.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Workers;

public sealed class TimedStageTests
{
    private readonly FakeTimeProvider _clock = new();

    private static BatchSlice Slice(SliceKind kind, int row, int rows, int position) => new(row, kind, row, rows, position, new[] { 0 });

    private async Task<DecodeWork> ComputeAsync(params BatchSlice[][] batches)
    {
        using var stage = new TimedStage(new SlowStage(_clock), _clock);
        foreach (var slices in batches)
            await stage.ForwardAsync(new Batch(1, slices), new Activations(4, 1), CancellationToken.None);
        return stage.Work;
    }

    [Fact]
    public async Task Steps_of_generation_are_counted_with_the_positions_that_their_rows_saw_and_the_time_they_took()
    {
        var work = await ComputeAsync(
            [Slice(SliceKind.Decode, 0, 1, 9), Slice(SliceKind.Decode, 1, 1, 19)],
            [Slice(SliceKind.Decode, 0, 3, 10)]);

        // Rows at positions 9 and 19 see 10 and 20 positions; those at 10, 11 and 12 see 11, 12 and 13.
        Assert.Equal(new DecodeWork(2, 5, 66, 0.5), work);
    }

    [Fact]
    public async Task Steps_with_a_prompt_in_them_say_nothing() =>
        Assert.Equal(default, await ComputeAsync([Slice(SliceKind.Decode, 0, 1, 9), Slice(SliceKind.Prefill, 1, 8, 0)]));

    private sealed class SlowStage(FakeTimeProvider clock) : IModelStage
    {
        public LayerRange Layers => new(0, 1);

        public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
        {
            clock.Advance(TimeSpan.FromMilliseconds(250));
            return ValueTask.CompletedTask;
        }

        public void Dispose()
        {
        }
    }
}
