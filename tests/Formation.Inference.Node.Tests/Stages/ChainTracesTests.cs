using System.Diagnostics;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>What a head tells its stages of traces, over real connections.</summary>
public sealed class ChainTracesTests : IDisposable
{
    private readonly KeptSpans _spans = new();
    private readonly TinyChain _stages = new(TinyModelOptions.Llama);
    private readonly StageSequence _sequence = new(7, 1, [0, 1, 2]);

    private int Layers => _stages.Model.AllLayers.Count;

    public void Dispose()
    {
        _stages.Dispose();
        _spans.Dispose();
    }

    [Fact]
    public async Task Each_stage_makes_a_span_under_the_heads_for_a_sequence_that_is_traced_and_none_for_another()
    {
        ServedStage[] stages = [Start(new LayerRange(0, 1)), Start(new LayerRange(1, Layers - 1))];
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        chain.BeginTrace(_sequence.Id, _spans.Parent);
        // Rows come to the second stage from the first one, word of the trace from the head: on two ways, one may be faster.
        await Eventually.TrueAsync(() => stages.All(stage => stage.Server.TracedSequences == 1));
        await DriveAsync(chain, _sequence, new StageSequence(8, 2, [3, 4, 5]));

        chain.EndTrace(_sequence.Id);
        chain.EndTrace(8);

        await Eventually.TrueAsync(() => _spans.All.Count == 2);
        Assert.All(_spans.All, span => Assert.Equal(_spans.Parent.SpanId, span.ParentSpanId));
        Assert.Equal([0, 1], _spans.All.Select(span => (int)span.GetTagItem("stage.first_layer")!).Order());
        Assert.All(_spans.All, span => Assert.Equal((2L, 6L), (span.GetTagItem("stage.batches"), span.GetTagItem("stage.rows"))));
    }

    [Fact]
    public async Task A_stage_that_takes_a_lost_ones_place_is_told_of_the_sequences_that_live()
    {
        var lost = Start(_stages.Model.AllLayers);
        var spare = Start(_stages.Model.AllLayers);
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        chain.BeginTrace(_sequence.Id, _spans.Parent);
        await DriveAsync(chain, _sequence);

        lost.Kill();
        await Eventually.TrueAsync(() => chain.Losses().Count == 1);
        await chain.RecoverAsync([new StoredSequence(_sequence.Id, 5, 6, _sequence.Blocks)], TestContext.Current.CancellationToken);
        await new StageDriver(chain, _stages.Shape.HiddenSize).StepAsync(
            TestContext.Current.CancellationToken, new StagePart(_sequence, 6, 1, SliceKind.Decode));
        chain.EndTrace(_sequence.Id);

        // One for what the first did until it was lost, one for what the second did since.
        await Eventually.TrueAsync(() => _spans.All.Count == 2);
        Assert.Equal([1L, 6L], _spans.All.Select(span => (long)span.GetTagItem("stage.rows")!).Order());
        Assert.True(spare.Server.RowsRebuilt > 0);
    }

    [Fact]
    public void A_trace_that_is_malformed_ends_the_connection_and_no_more()
    {
        var stage = Start(_stages.Model.AllLayers);
        foreach (var payload in (byte[][])
            [[], new byte[8], new byte[8 + TraceParent.Length], [.. new byte[8], .. Text(), 0], [.. new byte[8], .. Text()[..^1], (byte)'x']])
        {
            using var peer = HostilePeer.AsHead(_stages, stage);
            peer.Say(frame => frame.Begin(FrameType.Trace).Bytes(payload));
            Assert.Equal(StageErrorCode.Malformed, peer.ExpectRefusal().Code);
        }
        using var brief = HostilePeer.AsHead(_stages, stage);
        brief.Say(frame => frame.Begin(FrameType.TraceEnd).Bytes(new byte[9]));
        Assert.Equal(StageErrorCode.Malformed, brief.ExpectRefusal().Code);

        using var sound = HostilePeer.AsHead(_stages, stage);
        sound.Say(frame => TraceFrame.WriteBegin(frame, 1, _spans.Parent));
        sound.Say(frame => TraceFrame.WriteEnd(frame, 1));
        sound.SayRow(0, 1, 0, [0]);
        sound.Expect(FrameType.Result);

        byte[] Text() => System.Text.Encoding.ASCII.GetBytes(TraceParent.Format(_spans.Parent));
    }

    [Fact]
    public void A_stage_says_whether_it_wants_traces_and_an_older_head_passes_over_it()
    {
        var stage = Start(_stages.Model.AllLayers);
        using var peer = new HostilePeer(stage.Endpoint.Address);
        peer.Say(frame => HostilePeer.Head(_stages, stage.Endpoint.Layers).Write(frame));
        var payload = peer.Expect(FrameType.Accept);
        Assert.True(Accept.Read(payload, ActivationPrecision.F32).TakesTraces);

        payload[3] = 0;
        Assert.False(Accept.Read(payload, ActivationPrecision.F32).TakesTraces);
        payload[3] = 0xFE;
        Assert.False(Accept.Read(payload, ActivationPrecision.F32).TakesTraces);
    }

    private ServedStage Start(LayerRange layers) => _stages.Start(layers);

    // A prompt of five positions and one position behind it.
    private async Task DriveAsync(RemoteChain chain, params StageSequence[] sequences)
    {
        var driver = new StageDriver(chain, _stages.Shape.HiddenSize);
        await driver.StepAsync(TestContext.Current.CancellationToken, [.. sequences.Select(sequence => new StagePart(sequence, 0, 5))]);
        await driver.StepAsync(TestContext.Current.CancellationToken, [.. sequences.Select(sequence => new StagePart(sequence, 5, 1, SliceKind.Decode))]);
    }
}
