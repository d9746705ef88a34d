using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages.Groups;

/// <summary>A group that loses followers gives the bits of one that does not.</summary>
public sealed class TensorParallelStageTests : IDisposable
{
    const int Members = 4;

    readonly TinyGroup _group = new(
        TinyModelOptions.Qwen3 with { LayerCount = 2, HiddenSize = 64, FeedForwardSize = 128, HeadSize = 16, HeadCount = 8, KvHeadCount = 4 }, Members);
    readonly SortedDictionary<(long Sequence, int Position), float[]> _undisturbed;

    public TensorParallelStageTests()
    {
        var exchange = new ThreadExchange(Members);
        using var members = new ThreadGroup([.. exchange.Members.Select((member, rank) => _group.CreateStage(rank, member))]);
        _undisturbed = new ScriptRun(members, Width).RunAsync().GetAwaiter().GetResult();
    }

    int Width => _group.Shape.HiddenSize;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, Script.FirstDecode)]
    [InlineData(3, Script.FirstDecode + 1)]
    public async Task A_follower_that_is_killed_is_replaced_and_the_group_is_rebuilt(int rank, int round)
    {
        var followers = StartAll();
        _group.Start(rank);
        using var group = await _group.ConnectAsync();
        var run = new ScriptRun(group, Width)
        {
            Before = next =>
            {
                if (next == round)
                    followers[rank - 1].Kill();
            },
        };

        AssertUndisturbed(await run.RunAsync());

        Assert.NotEmpty(run.Losses);
        Assert.Contains(_group.Events, text => text.Contains($"{run.StoredAtLoss} positions"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_follower_that_is_killed_in_the_middle_of_a_batch_is_replaced_too(int rank)
    {
        var followers = StartAll();
        _group.Start(rank);
        using var group = await _group.ConnectAsync();
        var batches = 0;
        followers[rank - 1].Compute.Before = _ =>
        {
            if (++batches == 4)
            {
                // What it was killed in it does not go on with.
                Task.Run(followers[rank - 1].Kill);
                throw new InvalidOperationException("killed");
            }
        };
        var run = new ScriptRun(group, Width);

        AssertUndisturbed(await run.RunAsync());

        Assert.NotEmpty(run.Losses);
    }

    [Fact]
    public Task A_follower_whose_connections_alone_broke_is_found_again() => GoesOnAfterAsync(0, _group.Dialer.Break);

    [Fact]
    public Task Partial_sums_that_were_changed_on_the_way_lose_the_link_and_nothing_else() => GoesOnAfterAsync(1, _group.Dialer.CorruptNextRows);

    [Fact]
    public async Task Each_follower_makes_a_span_under_the_leaders_for_a_sequence_that_is_traced()
    {
        using var spans = new KeptSpans();
        StartAll();
        using var group = await _group.ConnectAsync();
        var sequence = new StageSequence(1, 1, [0, 1]);
        var driver = new StageDriver(group, Width);
        group.BeginTrace(sequence.Id, spans.Parent);
        await driver.PrefillAsync(sequence, 5);
        await driver.StepAsync(default, new StagePart(sequence, 5, 1, SliceKind.Decode));

        group.EndTrace(sequence.Id);

        await Eventually.TrueAsync(() => spans.All.Count == Members - 1);
        Assert.All(spans.All, span => Assert.Equal((spans.Parent.SpanId, 6L), (span.ParentSpanId, span.GetTagItem("stage.rows"))));
    }

    [Fact]
    public async Task Without_a_replacement_the_group_stays_lost_until_there_is_one()
    {
        var followers = StartAll();
        using var group = await _group.ConnectAsync();
        var sequence = new StageSequence(1, 1, [0, 1]);
        var driver = new StageDriver(group, Width);
        await driver.PrefillAsync(sequence, 5);
        followers[0].Kill();

        var loss = await Assert.ThrowsAsync<StageLostException>(() => driver.StepAsync(default, new StagePart(sequence, 5, 1, SliceKind.Decode)));
        Assert.Equal(_group.Layers, loss.Layers);
        StoredSequence[] stored = [new(1, 5, 5, sequence.Blocks)];
        await Assert.ThrowsAsync<StageLostException>(() => group.RecoverAsync(stored, default).AsTask());
        await Assert.ThrowsAsync<StageLostException>(() => driver.StepAsync(default, new StagePart(sequence, 5, 1, SliceKind.Decode)));

        _group.Start(1);
        await group.RecoverAsync(stored, default);
        await driver.StepAsync(default, new StagePart(sequence, 5, 1, SliceKind.Decode));
    }

    [Fact]
    public async Task A_follower_that_is_lost_while_nobody_asks_is_told_of_and_replaced()
    {
        var followers = StartAll();
        using var group = await _group.ConnectAsync();
        using var told = new SemaphoreSlim(0);
        group.WatchLosses(() => told.Release());
        Assert.Null(group.Loss);
        _group.Start(1);

        followers[0].Kill();

        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.NotNull(group.Loss);
        await group.RecoverAsync([], TestContext.Current.CancellationToken);
        Assert.Null(group.Loss);
        AssertUndisturbed(await new ScriptRun(group, Width).RunAsync());
    }

    [Fact]
    public async Task A_leader_of_other_shares_is_not_followed()
    {
        var follower = _group.Start(1);
        using var other = new TinyGroup(TinyModelOptions.Llama, 2);
        var options = new TensorParallelOptions { Shape = _group.Shape, Layers = _group.Layers, Followers = [new OneStage(follower.Endpoint)] };

        var loss = await Assert.ThrowsAsync<StageLostException>(
            () => TensorParallelStage.ConnectAsync(options, exchange => other.CreateStage(0, exchange), _group.Dialer));

        Assert.Contains("share 2 of 4", loss.Message);
    }

    [Fact]
    public async Task A_stage_that_shares_its_layers_with_nobody_follows_no_leader()
    {
        using var chain = new TinyChain(TinyModelOptions.Llama);
        using var own = new TinyGroup(TinyModelOptions.Llama, 2);
        var whole = chain.Start(chain.Model.AllLayers);
        var options = new TensorParallelOptions { Shape = chain.Shape, Layers = chain.Model.AllLayers, Followers = [new OneStage(whole.Endpoint)] };

        var loss = await Assert.ThrowsAsync<StageLostException>(
            () => TensorParallelStage.ConnectAsync(options, exchange => own.CreateStage(0, exchange), chain.Dialer));

        Assert.Contains("shares its layers with nobody", loss.Message);
    }

    [Fact]
    public void A_link_for_sums_needs_the_session_of_a_head_that_is_let_in()
    {
        var follower = _group.Start(1);
        using var peer = new HostilePeer(follower.Endpoint.Address);

        peer.Say(frame => new Hello
        {
            Role = PeerRole.Leader,
            Session = Guid.NewGuid(),
            Layers = _group.Layers,
            Offered = ActivationPrecision.F32,
            Preferred = ActivationPrecision.F32,
            InFlight = 2,
            Shape = _group.Shape,
            Share = new TensorShare(1, Members),
        }.Write(frame));

        Assert.Equal(StageErrorCode.WrongDeployment, peer.ExpectRefusal().Code);
    }

    public void Dispose() => _group.Dispose();

    ServedFollower[] StartAll() => [.. Enumerable.Range(1, Members - 1).Select(_group.Start)];

    /// <summary>Something happens to the connections of a follower that lives on, before the first step of generation.</summary>
    async Task GoesOnAfterAsync(int index, Action<string> disturb)
    {
        var follower = StartAll()[index];
        using var group = await _group.ConnectAsync();
        var run = new ScriptRun(group, Width)
        {
            Before = next =>
            {
                if (next != Script.FirstDecode)
                    return;
                disturb(follower.Endpoint.Address);
                _group.Offer(follower);
            },
        };

        AssertUndisturbed(await run.RunAsync());

        Assert.NotEmpty(run.Losses);
    }

    void AssertUndisturbed(SortedDictionary<(long Sequence, int Position), float[]> outputs) => Assert.Equal(_undisturbed, outputs);

    sealed class OneStage(StageEndpoint endpoint) : IStageProvider
    {
        public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
            LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken) =>
            ValueTask.FromResult<IReadOnlyList<StageEndpoint>>(lost.Count == 0 ? [endpoint] : []);
    }
}
