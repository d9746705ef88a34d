using System.Net;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class RemoteChainTests : IDisposable
{
    const int Layers = 3;

    readonly TinyChain _stages = new(TinyModelOptions.Llama with { LayerCount = Layers, HiddenSize = 64, FeedForwardSize = 128 });

    int Width => _stages.Shape.HiddenSize;

    [Fact]
    public async Task A_stage_that_nobody_can_dial_dials_the_one_before_it()
    {
        var expected = await UndisturbedAsync();
        var first = _stages.Start(new LayerRange(0, 1));
        _stages.Start(new LayerRange(1, 1), acceptsLinks: false);
        _stages.Start(new LayerRange(2, 1), acceptsLinks: false);
        var spare = _stages.Start(new LayerRange(0, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = round =>
            {
                if (round == Script.FirstDecode)
                    first.Kill();
            },
        };

        Assert.Equal(expected, await run.RunAsync());
        Assert.NotEqual(0, spare.Server.RowsRebuilt);
    }

    [Fact]
    public async Task As_many_batches_are_under_way_as_the_depth_says_and_no_more()
    {
        var stages = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers, extraDepth: 1);
        Assert.Equal(Layers + 1, chain.Depth);
        stages[0].Compute.Gate.Reset();
        var calls = Enumerable.Range(0, chain.Depth).Select(index => ForwardAsync(chain, index)).ToArray();

        await Assert.ThrowsAsync<InvalidOperationException>(() => ForwardAsync(chain, 9));
        Assert.All(calls, call => Assert.False(call.IsCompleted));

        stages[0].Compute.Gate.Set();
        await Task.WhenAll(calls);
        await ForwardAsync(chain, 9);
    }

    [Fact]
    public async Task A_batch_that_is_cancelled_under_way_ends_so_and_the_others_do_not()
    {
        var stages = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        using var cancellation = new CancellationTokenSource();
        stages[1].Compute.Gate.Reset();
        var (before, cancelled) = (ForwardAsync(chain, 0), ForwardAsync(chain, 1, cancellation.Token));
        await Eventually.TrueAsync(() => stages[0].Server.RowsComputed == 2);

        cancellation.Cancel();
        await Task.Delay(50);
        stages[1].Compute.Gate.Set();

        await before;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await ForwardAsync(chain, 2);
        Assert.Equal(2, stages[2].Server.RowsComputed);
    }

    [Fact]
    public async Task A_batch_that_one_stage_cannot_compute_fails_in_its_place()
    {
        var stages = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        stages[1].Compute.Before = static batch =>
        {
            if (batch.Slices[0].SequenceId == 1)
                throw new InvalidOperationException("a fault");
        };
        Task[] calls = [ForwardAsync(chain, 0), ForwardAsync(chain, 1), ForwardAsync(chain, 2)];

        var failure = await Assert.ThrowsAsync<StageBatchException>(() => calls[1]);
        Assert.Equal(StageErrorCode.ComputeFailed, failure.Code);
        await calls[0];
        await calls[2];
    }

    [Fact]
    public async Task Rows_that_are_not_finite_are_the_callers_mistake()
    {
        StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var activations = Row();
        activations.Values[3] = float.NaN;

        await Assert.ThrowsAsync<ArgumentException>(
            () => chain.ForwardAsync(Batch(0), activations, CancellationToken.None).AsTask());
        await ForwardAsync(chain, 0);
    }

    [Theory]
    [InlineData(ActivationPrecision.BF16)]
    [InlineData(ActivationPrecision.Q8)]
    public async Task Where_a_stage_knows_float32_alone_its_links_use_that(ActivationPrecision wanted)
    {
        for (var layer = 0; layer < Layers; layer++)
            _stages.Start(new LayerRange(layer, 1), precisions: ActivationPrecision.F32);
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers, wanted);

        Assert.Equal(await UndisturbedAsync(), await new ScriptRun(chain, Width).RunAsync());
    }

    [Fact]
    public async Task A_closed_chain_leaves_its_stages_to_the_next_head()
    {
        var stages = StartAll();
        var first = await _stages.ConnectAsync(_stages.Model.AllLayers);
        await ForwardAsync(first, 0);
        first.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ForwardAsync(first, 1));

        // A stage may hear of it a moment later.
        RemoteChain? second = null;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                Array.ForEach(stages, _stages.Offer);
                second = await _stages.ConnectAsync(_stages.Model.AllLayers);
                return true;
            }
            catch (StageLostException)
            {
                return false;
            }
        });
        using (second)
            Assert.Equal(await UndisturbedAsync(), await new ScriptRun(second!, Width).RunAsync());
    }

    [Fact]
    public async Task The_rows_kept_for_a_replacement_are_those_of_the_blocks_in_use()
    {
        var stages = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        await new ScriptRun(chain, Width).RunAsync();

        var blocks = Script.All.SelectMany(sequence => sequence.Sequence.Blocks[..((sequence.Sequence == Script.C.Sequence ? 14 : 25) / 16 + 1)])
            .Concat(Script.A.Sequence.Blocks[..3]).Distinct().Count();
        Assert.Equal(blocks * 16 * Width * sizeof(float), chain.BoundaryBytes);
        Assert.Equal(chain.BoundaryBytes, stages[0].Server.BoundaryBytes);
        Assert.Equal(0, stages[^1].Server.BoundaryBytes);
    }

    [Fact]
    public async Task Hosts_talk_over_TLS_and_nobody_else_does()
    {
        using var certificate = TransportTests.NewCertificate();
        using var strange = TransportTests.NewCertificate();
        var own = PeerIdentity.Of(certificate);
        var credentials = new StageCredentials(certificate, peer => peer == own);
        var dialer = new StageDialer(credentials);
        using var model = _stages.CreateStage(_stages.Model.AllLayers);
        using var lowLayers = _stages.CreateStage(new LayerRange(0, 2));
        using var highLayers = _stages.CreateStage(new LayerRange(2, 1));
        using var low = new StageServer(lowLayers, new StageServerOptions { Shape = _stages.Shape }, dialer);
        using var high = new StageServer(highLayers, new StageServerOptions { Shape = _stages.Shape }, dialer);
        using var lowListener = StageListener.Tls(new IPEndPoint(IPAddress.Loopback, 0), credentials, low.Accept);
        using var highListener = StageListener.Tls(new IPEndPoint(IPAddress.Loopback, 0), credentials, high.Accept);
        var options = new RemoteChainOptions { Shape = _stages.Shape, Layers = _stages.Model.AllLayers, ExtraDepth = 1 };
        StageEndpoint[] endpoints =
        [
            new("low", low.Layers, lowListener.Address, own),
            new("high", high.Layers, highListener.Address, own),
        ];

        var wrong = await Assert.ThrowsAsync<StageLostException>(() => RemoteChain.ConnectAsync(
            options, new ListedStages([endpoints[0], endpoints[1] with { Identity = PeerIdentity.Of(strange) }]), dialer));
        Assert.Equal(new LayerRange(0, Layers), wrong.Layers);

        using var chain = await RemoteChain.ConnectAsync(options, new ListedStages(endpoints), dialer);
        Assert.Equal(await new ScriptRun(model, Width).RunAsync(), await new ScriptRun(chain, Width).RunAsync());
    }

    public void Dispose() => _stages.Dispose();

    ServedStage[] StartAll() => [.. Enumerable.Range(0, Layers).Select(layer => _stages.Start(new LayerRange(layer, 1)))];

    async Task<SortedDictionary<(long Sequence, int Position), float[]>> UndisturbedAsync()
    {
        using var local = _stages.CreateStage(_stages.Model.AllLayers);
        return await new ScriptRun(local, Width).RunAsync();
    }

    async Task ForwardAsync(RemoteChain chain, int sequence, CancellationToken cancellationToken = default) =>
        await chain.ForwardAsync(Batch(sequence), Row(), cancellationToken);

    static Batch Batch(int sequence) => new(0, [new BatchSlice(sequence, SliceKind.Prefill, 0, 1, 0, new[] { sequence })]);

    Activations Row()
    {
        var row = new Activations(1, Width);
        row.SetRows(1);
        new StageSequence(1, 1, []).Input(0, Width).CopyTo(row.Values);
        return row;
    }
}
