using System.Diagnostics;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class StageTracesTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new(Start);
    private readonly KeptSpans _spans = new();
    private readonly StageTraces _traces;

    public StageTracesTests() => _traces = new StageTraces(new LayerRange(3, 5), _clock);

    public void Dispose() => _spans.Dispose();

    [Fact]
    public void A_span_lasts_from_the_first_batch_to_the_end_and_counts_what_lies_between()
    {
        _traces.Begin(7, _spans.Parent);
        Pass(1);
        Compute(waited: 2, computed: 3, Slice(7, rows: 10), Slice(8, rows: 99));
        Pass(4);
        Compute(waited: 0, computed: 1, Slice(7, rows: 1));
        Compute(waited: 5, computed: 5, Slice(8, rows: 1));
        Pass(6);
        _traces.End(7);

        var span = Assert.Single(_spans.All);
        Assert.Equal(("stage", ActivityKind.Server), (span.OperationName, span.Kind));
        Assert.Equal((_spans.Parent.SpanId, _spans.Parent.TraceId), (span.ParentSpanId, span.TraceId));
        Assert.Equal(Start.AddSeconds(1).UtcDateTime, span.StartTimeUtc);
        Assert.Equal(TimeSpan.FromSeconds(2 + 3 + 4 + 1 + 10 + 6), span.Duration);
        Assert.Equal(
            new Dictionary<string, object?>
            {
                ["stage.first_layer"] = 3,
                ["stage.layers"] = 5,
                ["stage.batches"] = 2L,
                ["stage.rows"] = 11L,
                ["stage.compute_seconds"] = 4.0,
                ["stage.wait_seconds"] = 2.0,
            },
            span.TagObjects.ToDictionary());
    }

    [Fact]
    public void Without_a_traced_sequence_nothing_is_measured()
    {
        Assert.Equal(0, _traces.Now());
        Compute(waited: 1, computed: 1, Slice(7, rows: 1));
        _traces.End(7);
        Assert.Empty(_spans.All);
    }

    [Fact]
    public void A_batch_that_came_before_its_trace_does_not_count()
    {
        var arrived = _traces.Now();
        _traces.Begin(7, _spans.Parent);
        _traces.Computed(new Batch(0, [Slice(7, rows: 1)]), arrived, _traces.Now());
        _traces.End(7);
        Assert.Empty(_spans.All);
    }

    [Fact]
    public void What_is_told_twice_is_one_span_under_the_first_parent()
    {
        _traces.Begin(7, _spans.Parent);
        Compute(waited: 0, computed: 1, Slice(7, rows: 1));
        _traces.Begin(7, new ActivityContext(_spans.Parent.TraceId, ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded));
        _traces.End(7);
        _traces.End(7);
        Assert.Equal(_spans.Parent.SpanId, Assert.Single(_spans.All).ParentSpanId);
    }

    [Fact]
    public void All_end_where_nobody_can_end_them_any_more()
    {
        _traces.Begin(1, _spans.Parent);
        _traces.Begin(2, _spans.Parent);
        Compute(waited: 0, computed: 1, Slice(1, rows: 1), Slice(2, rows: 1));
        _traces.EndAll();
        Assert.Equal(2, _spans.All.Count);
        Assert.Equal(0, _traces.Now());
    }

    [Fact]
    public void No_head_makes_a_stage_remember_more_than_its_limit()
    {
        for (var i = 0; i <= StageTraces.Most; i++)
            _traces.Begin(i, _spans.Parent);
        Compute(waited: 0, computed: 1, Slice(StageTraces.Most - 1, rows: 1), Slice(StageTraces.Most, rows: 1));
        _traces.End(StageTraces.Most);
        Assert.Empty(_spans.All);
        _traces.End(StageTraces.Most - 1);
        Assert.Single(_spans.All);
    }

    private static BatchSlice Slice(long sequence, int rows) => new(sequence, SliceKind.Decode, 0, rows, 0, default);

    private void Compute(int waited, int computed, params BatchSlice[] slices)
    {
        var arrived = _traces.Now();
        Pass(waited);
        var began = _traces.Now();
        Pass(computed);
        _traces.Computed(new Batch(0, slices), arrived, began);
    }

    private void Pass(int seconds) => _clock.Advance(TimeSpan.FromSeconds(seconds));
}
