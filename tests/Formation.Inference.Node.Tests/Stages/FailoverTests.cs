using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Testing.Models;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A generation that loses stages gives the bits of one that does not, and only what was lost is computed again.</summary>
public sealed class FailoverTests : IDisposable
{
    const int Layers = 3;

    readonly FakeTimeProvider _time = new();
    readonly TinyChain _stages;
    readonly SortedDictionary<(long Sequence, int Position), float[]> _undisturbed;

    public FailoverTests()
    {
        _stages = new TinyChain(TinyModelOptions.Qwen3 with { LayerCount = Layers, HiddenSize = 64, FeedForwardSize = 128, HeadSize = 16 }, _time);
        using var local = _stages.CreateStage(_stages.Model.AllLayers);
        _undisturbed = new ScriptRun(local, Width).RunAsync().GetAwaiter().GetResult();
    }

    int Width => _stages.Shape.HiddenSize;

    public static TheoryData<int, int> StagesAndRounds => new(
        from stage in Enumerable.Range(0, Layers)
        from round in (int[])[1, Script.FirstDecode, Script.FirstDecode + 1]
        select (stage, round));

    [Theory, MemberData(nameof(StagesAndRounds))]
    public async Task A_stage_that_is_killed_is_replaced_and_rebuilt(int lost, int round)
    {
        var first = StartAll();
        var spare = _stages.Start(new LayerRange(lost, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next => first[lost].Compute.Gate.Set(next != round),
            During = async next =>
            {
                if (next == round)
                    await Task.Run(first[lost].Kill);
            },
        };

        var outputs = await run.RunAsync();

        AssertUndisturbed(outputs);
        Assert.NotEmpty(run.Losses);
        AssertRebuilt(spare, run.StoredAtLoss);
        Assert.All(first.Where(stage => stage != first[lost]), stage => Assert.Equal(0, stage.Server.RowsRebuilt));
    }

    [Theory, MemberData(nameof(StagesAndRounds))]
    public async Task A_stage_that_falls_silent_is_replaced_and_rebuilt(int lost, int round)
    {
        var first = StartAll();
        var spare = _stages.Start(new LayerRange(lost, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next == round)
                    _stages.Dialer.CutOff(first[lost].Endpoint.Address);
            },
            Await = LetTimePassAsync,
        };

        var outputs = await run.RunAsync();

        AssertUndisturbed(outputs);
        Assert.NotEmpty(run.Losses);
        await Eventually.TrueAsync(() => _stages.Events.Any(text => text.Contains("nothing was heard")) || first[lost].HasEnded("nothing was heard"));
        AssertRebuilt(spare, run.StoredAtLoss);
    }

    [Theory, MemberData(nameof(StagesAndRounds))]
    public async Task A_frame_that_is_changed_on_its_way_is_noticed_and_sent_again(int lost, int round)
    {
        var first = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next != round)
                    return;
                _stages.Dialer.CorruptNextRows(first[lost].Endpoint.Address);
                _stages.Offer(first[lost]);
            },
        };

        var outputs = await run.RunAsync();

        AssertUndisturbed(outputs);
        Assert.NotEmpty(run.Losses);
        await Eventually.TrueAsync(() => first[lost].HasEnded("checksum"));
        Assert.All(first, stage => Assert.Equal(0, stage.Server.RowsRebuilt));
    }

    [Theory, MemberData(nameof(StagesAndRounds))]
    public async Task A_stage_whose_connection_alone_broke_goes_on_with_what_it_holds(int lost, int round)
    {
        var first = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next != round)
                    return;
                _stages.Offer(first[lost]);
                _stages.Dialer.Break(first[lost].Endpoint.Address);
            },
        };

        var outputs = await run.RunAsync();

        AssertUndisturbed(outputs);
        Assert.NotEmpty(run.Losses);
        Assert.All(first, stage => Assert.Equal(0, stage.Server.RowsRebuilt));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(0, 2)]
    public async Task Two_stages_that_are_lost_at_once_are_rebuilt_one_after_the_other(int one, int other)
    {
        var first = StartAll();
        ServedStage[] spares = [_stages.Start(new LayerRange(one, 1)), _stages.Start(new LayerRange(other, 1))];
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next => first[one].Compute.Gate.Set(next != Script.FirstDecode),
            During = async next =>
            {
                if (next == Script.FirstDecode)
                    await Task.WhenAll(Task.Run(first[one].Kill), Task.Run(first[other].Kill));
            },
        };

        AssertUndisturbed(await run.RunAsync());

        Assert.All(spares, spare => AssertRebuilt(spare, run.StoredAtLoss));
    }

    [Fact]
    public async Task Lost_stages_may_be_replaced_by_one_that_has_all_their_layers()
    {
        var first = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var spare = _stages.Start(new LayerRange(0, 2));
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next != Script.FirstDecode)
                    return;
                first[0].Kill();
                first[1].Kill();
                SpinWait.SpinUntil(() => CountOfLost() == 2, TimeSpan.FromSeconds(30));
            },
        };

        AssertUndisturbed(await run.RunAsync());

        AssertRebuilt(spare, run.StoredAtLoss);
        Assert.Equal(2, chain.Stages.Count);
        Assert.Equal(2, chain.Depth);
    }

    [Fact]
    public async Task One_stage_after_the_other_is_lost_and_what_was_rebuilt_is_rebuilt_from()
    {
        var first = StartAll();
        var spares = Enumerable.Range(0, Layers).Select(layer => _stages.Start(new LayerRange(layer, 1))).ToArray();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next - Script.FirstDecode is >= 0 and < Layers and var layer)
                    first[layer].Kill();
            },
        };

        AssertUndisturbed(await run.RunAsync());

        Assert.All(spares, spare => Assert.NotEqual(0, spare.Server.RowsRebuilt));
    }

    [Fact]
    public async Task A_replacement_that_is_lost_while_it_is_rebuilt_is_replaced()
    {
        var first = StartAll();
        var weak = _stages.Start(new LayerRange(1, 1));
        var spare = _stages.Start(new LayerRange(1, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        weak.Compute.Before = batch =>
        {
            weak.Compute.Before = static _ => { };
            weak.Compute.Gate.Reset();
            _ = Task.Run(weak.Kill);
            weak.Compute.Gate.Wait();
        };
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next == Script.FirstDecode)
                    first[1].Kill();
            },
        };

        AssertUndisturbed(await run.RunAsync());

        AssertRebuilt(spare, run.StoredAtLoss);
    }

    [Fact]
    public async Task Without_a_replacement_recovery_says_which_layers_are_missing_and_may_be_tried_again()
    {
        var first = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        first[1].Kill();
        await Eventually.TrueAsync(() => _stages.Events.Any(text => text.Contains("is lost")));

        var none = await Assert.ThrowsAsync<StageLostException>(() => chain.RecoverAsync([], CancellationToken.None).AsTask());
        Assert.Equal(new LayerRange(1, 1), none.Layers);
        Assert.Contains("there is no other stage", none.Reason);

        _stages.Start(new LayerRange(1, 1));
        await chain.RecoverAsync([], CancellationToken.None);
        AssertUndisturbed(await new ScriptRun(chain, Width).RunAsync());
    }

    [Fact]
    public async Task A_stage_that_drains_is_replaced_and_no_batch_under_way_fails()
    {
        var first = StartAll();
        var spare = _stages.Start(new LayerRange(2, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        var run = new ScriptRun(chain, Width)
        {
            Before = next => first[0].Compute.Gate.Set(next != Script.FirstDecode),
            During = async next =>
            {
                if (next != Script.FirstDecode)
                    return;
                first[2].Server.Drain("maintenance");
                await Task.Delay(50);
                first[0].Compute.Gate.Set();
            },
        };

        AssertUndisturbed(await run.RunAsync());

        // The batches of the round ended; the loss came with the first of the next one.
        Assert.All(run.Losses, loss => Assert.Contains("wants to leave: maintenance", loss.Reason));
        Assert.NotEmpty(run.Losses);
        AssertRebuilt(spare, run.StoredAtLoss);
        await Eventually.TrueAsync(() => first[2].Endings.Any(reason => reason.Contains("another stage has its layers")));
    }

    [Fact]
    public async Task A_stage_that_drains_stays_where_nobody_takes_its_place()
    {
        var first = StartAll();
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        first[1].Server.Drain("maintenance");
        await Task.Delay(50);

        AssertUndisturbed(await new ScriptRun(chain, Width).RunAsync());

        Assert.All(first, stage => Assert.Equal(0, stage.Server.RowsRebuilt));
    }

    [Theory]
    [InlineData("killed", "is lost")]
    [InlineData("drained", "wants to leave: maintenance")]
    [InlineData("left", "wants to leave: another has its layers")]
    public async Task A_loss_is_told_and_replaced_without_a_batch_that_meets_it(string how, string reason)
    {
        var first = StartAll();
        var spare = _stages.Start(new LayerRange(1, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);
        using var told = new SemaphoreSlim(0);
        chain.WatchLosses(() => told.Release());
        Assert.Null(chain.Loss);

        if (how == "killed")
            first[1].Kill();
        else if (how == "drained")
            first[1].Server.Drain("maintenance");
        else
            chain.Leave(first[1].Endpoint, "another has its layers");
        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Contains(reason, chain.Loss!.Reason);

        await chain.RecoverAsync([], TestContext.Current.CancellationToken);
        Assert.Null(chain.Loss);
        Assert.Equal([first[0].Endpoint, spare.Endpoint, first[2].Endpoint], chain.Stages);
        AssertUndisturbed(await new ScriptRun(chain, Width).RunAsync());
    }

    [Fact]
    public async Task A_stage_that_is_not_in_use_can_not_be_left()
    {
        StartAll();
        var spare = _stages.Start(new LayerRange(1, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers);

        chain.Leave(spare.Endpoint, "another has its layers");

        Assert.Null(chain.Loss);
    }

    [Theory]
    [InlineData(ActivationPrecision.BF16)]
    [InlineData(ActivationPrecision.Q8)]
    public async Task Rows_that_were_rounded_for_a_link_are_rebuilt_as_they_were_sent(ActivationPrecision precision)
    {
        StartAll();
        using var whole = await _stages.ConnectAsync(_stages.Model.AllLayers, precision);
        var expected = await new ScriptRun(whole, Width).RunAsync();

        var first = StartAll();
        _stages.Start(new LayerRange(1, 1));
        using var chain = await _stages.ConnectAsync(_stages.Model.AllLayers, precision);
        var run = new ScriptRun(chain, Width)
        {
            Before = next =>
            {
                if (next == Script.FirstDecode)
                    first[1].Kill();
            },
        };

        Assert.Equal(expected, await run.RunAsync());
        Assert.NotEqual(_undisturbed, expected);
        Assert.NotEmpty(run.Losses);
    }

    public void Dispose() => _stages.Dispose();

    int CountOfLost()
    {
        lock (_stages.Events)
            return _stages.Events.Count(text => text.Contains(" is lost: ") && !text.Contains("the link to"));
    }

    ServedStage[] StartAll() => [.. Enumerable.Range(0, Layers).Select(layer => _stages.Start(new LayerRange(layer, 1)))];

    void AssertUndisturbed(SortedDictionary<(long Sequence, int Position), float[]> outputs) => Assert.Equal(_undisturbed, outputs);

    static void AssertRebuilt(ServedStage spare, int positions) => Assert.Equal(positions, spare.Server.RowsRebuilt);

    /// <summary>Moves the clock by a heartbeat at a time, slowly enough that whoever lives is heard.</summary>
    async Task LetTimePassAsync(Task task)
    {
        while (await Task.WhenAny(task, Task.Delay(100)) != task)
            _time.Advance(TimeSpan.FromMilliseconds(500));
        await task;
    }
}

internal static class GateExtensions
{
    /// <summary>Opens or closes a gate.</summary>
    public static void Set(this ManualResetEventSlim gate, bool isOpen)
    {
        if (isOpen)
            gate.Set();
        else
            gate.Reset();
    }
}
