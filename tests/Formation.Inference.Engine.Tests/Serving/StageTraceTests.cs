using System.Collections.Concurrent;
using System.Diagnostics;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>What stages hear of requests that are traced.</summary>
public sealed class StageTraceTests
{
    private readonly ToldStage _stage = new(new InventedStage(64));

    [Fact]
    public async Task Of_each_sequence_of_a_traced_request_stages_hear_before_its_first_batch_and_once_when_it_has_ended()
    {
        await using var engine = new EngineHarness(stage: _stage);
        using var request = Traced(ActivityTraceFlags.Recorded);

        await engine.RunAsync(engine.Request(5) with { Choices = 2 }, EngineHarness.Prompt(10));

        await Eventually.TrueAsync(() => _stage.Heard.Count(line => line.Kind == Told.End) == 2);
        foreach (var own in _stage.Heard.GroupBy(line => line.Sequence).ToList())
        {
            var kinds = own.Select(line => line.Kind).ToList();
            Assert.Equal(Told.Begin, kinds[0]);
            Assert.Equal(Told.End, kinds[^1]);
            Assert.NotEmpty(kinds[1..^1]);
            Assert.All(kinds[1..^1], kind => Assert.Equal(Told.Batch, kind));
        }
        Assert.All(_stage.Parents, parent => Assert.Equal(request.Context, parent));
        Assert.Equal(2, _stage.Parents.Count);
    }

    [Fact]
    public async Task A_request_that_nobody_waits_for_any_more_has_ended_for_stages_too()
    {
        await using var engine = new EngineHarness(stage: _stage);
        using var request = Traced(ActivityTraceFlags.Recorded);
        var generation = engine.Engine.Submit(engine.Request(900), EngineHarness.Prompt(10));
        await Eventually.TrueAsync(() => _stage.Heard.Any(line => line.Kind == Told.Batch));

        generation.Cancel();

        await Eventually.TrueAsync(() => _stage.Heard.Count(line => line.Kind == Told.End) == 1);
    }

    [Fact]
    public async Task Of_a_request_whose_trace_nobody_keeps_stages_hear_nothing()
    {
        await using var engine = new EngineHarness(stage: _stage);
        using (Traced(ActivityTraceFlags.None))
            await engine.RunAsync(engine.Request(3), EngineHarness.Prompt(10));
        Activity.Current = null;
        await engine.RunAsync(engine.Request(3), EngineHarness.Prompt(10));

        Assert.All(_stage.Heard, line => Assert.Equal(Told.Batch, line.Kind));
    }

    private static Activity Traced(ActivityTraceFlags flags)
    {
        var activity = new Activity("request").SetIdFormat(ActivityIdFormat.W3C);
        activity.ActivityTraceFlags = flags;
        return activity.Start();
    }

    private enum Told
    {
        Begin,
        Batch,
        End,
    }

    /// <summary>A stage that notes what it is told, in order.</summary>
    private sealed class ToldStage(IModelStage inner) : IModelStage
    {
        public ConcurrentQueue<(Told Kind, long Sequence)> Heard { get; } = new();

        public ConcurrentQueue<ActivityContext> Parents { get; } = new();

        public LayerRange Layers => inner.Layers;

        public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
        {
            foreach (var slice in batch.Slices)
                Heard.Enqueue((Told.Batch, slice.SequenceId));
            return inner.ForwardAsync(batch, activations, cancellationToken);
        }

        public void BeginTrace(long sequenceId, ActivityContext parent)
        {
            Heard.Enqueue((Told.Begin, sequenceId));
            Parents.Enqueue(parent);
        }

        public void EndTrace(long sequenceId) => Heard.Enqueue((Told.End, sequenceId));

        public void Dispose() => inner.Dispose();
    }
}
