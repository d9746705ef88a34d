using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing;
using static Formation.Inference.Cluster.Tests.Routing.ClusterBackendHarness;

namespace Formation.Inference.Cluster.Tests.Routing;

/// <summary>Whom a gateway asks, when it asks somebody else, and what the reader is told.</summary>
public sealed class ClusterBackendTests : IDisposable
{
    readonly ClusterBackendHarness _harness = new("a", "b", "c");

    ScriptedHeads Heads => _harness.Heads;

    static IEnumerable<GenerationEvent> Begin(GenerationRequest request, int events) => ScriptedHeads.Honest(request).Take(events);

    public void Dispose() => _harness.Dispose();

    [Fact]
    public async Task A_model_that_is_not_deployed_does_not_exist()
    {
        var error = await _harness.ErrorAsync(Request() with { ModelId = "other" });
        Assert.Equal((GenerationErrorKind.ModelNotFound, nameof(GenerationRequest.ModelId)), (error.Kind, error.Parameter));
    }

    [Fact]
    public async Task A_request_that_meets_no_trouble_is_asked_of_one_head()
    {
        AssertWhole(await _harness.RunAsync());
        Assert.Equal(["a"], _harness.Asked);
        Assert.Equal((0, 0), (_harness.Backend.RequestsInFlight("a"), Heads.Open));
    }

    [Fact]
    public async Task A_request_for_no_choices_ends_when_its_prompt_is_counted_and_is_asked_again_where_a_head_is_lost()
    {
        Heads.Lose("a", HeadLoss.Broken);
        var started = Assert.IsType<GenerationStarted>(Assert.Single(await _harness.RunAsync(Request(choices: 0))));
        Assert.Equal(3, started.PromptTokens);
        Assert.Equal(["a", "b"], _harness.Asked);
        Assert.Equal((0, 0), (_harness.Backend.RequestsInFlight("b"), Heads.Open));
    }

    [Theory]
    [InlineData(GenerationErrorKind.InvalidRequest)]
    [InlineData(GenerationErrorKind.ContextLengthExceeded)]
    public async Task An_answer_is_passed_on_and_nobody_else_is_asked(GenerationErrorKind kind)
    {
        Heads.Fail("a", kind);
        Assert.Equal($"scripted {kind}", (await _harness.ErrorAsync()).Message);
        Assert.Equal(["a"], _harness.Asked);
    }

    [Theory]
    [InlineData(GenerationErrorKind.QueueFull)]
    [InlineData(GenerationErrorKind.ModelUnavailable)]
    [InlineData(GenerationErrorKind.ShuttingDown)]
    [InlineData(GenerationErrorKind.ModelNotFound)]
    [InlineData(GenerationErrorKind.Internal)]
    public async Task What_only_one_head_says_is_asked_of_another(GenerationErrorKind kind)
    {
        Heads.Fail("a", kind);
        AssertWhole(await _harness.RunAsync());
        Assert.Equal(["a", "b"], _harness.Asked);
    }

    [Fact]
    public async Task Where_all_queues_are_full_that_is_the_answer()
    {
        foreach (var id in (string[])["a", "b", "c"])
            Heads.Fail(id, GenerationErrorKind.QueueFull);
        Assert.Equal(GenerationErrorKind.QueueFull, (await _harness.ErrorAsync()).Kind);
        Assert.Equal(["a", "b", "c"], _harness.Asked);
    }

    [Fact]
    public async Task A_request_that_has_begun_waits_where_all_queues_are_full()
    {
        Heads.Lose("a", HeadLoss.Broken, request => Begin(request, 5));
        var asked = 0;
        Heads.Fail("c", GenerationErrorKind.QueueFull);
        Heads.Script("b", request => ++asked < 4
            ? new[] { new GenerationFailed(new GenerationError(GenerationErrorKind.QueueFull, "full")) }.ToAsyncEnumerable()
            : ScriptedHeads.Honest(request).ToAsyncEnumerable());
        _harness.Table.Set(Model, new[] { "a", "b", "c" }.Select(id => ScriptedHeads.Replica(id)));
        var running = _harness.RunAsync();
        Heads.Lose("a", HeadLoss.Unreachable);
        await Eventually.TrueAsync(() =>
        {
            if (!running.IsCompleted && _harness.Table.Waiting > 0)
                _harness.Clock.Advance(TimeSpan.FromMilliseconds(50));
            return running.IsCompleted;
        });
        AssertWhole(await running);
    }

    [Fact]
    public async Task The_next_head_gets_all_that_was_delivered_and_what_the_first_one_would_have_chosen()
    {
        var request = Request(choices: 2) with { EchoPrompt = true };
        Heads.Lose("a", HeadLoss.Broken, asked => Begin(asked, 8));
        AssertWhole(await _harness.RunAsync(request), request);
        Assert.Equal(["a", "b"], _harness.Asked);

        var (first, second) = (Heads.Asked[0].Request, Heads.Asked[1].Request);
        Assert.Null(first.Continuation);
        Assert.Equal((77, 77), (first.Sampling.Seed, second.Sampling.Seed));
        Assert.Equal(Certificates.Now, first.TemplateTime);
        Assert.Equal(first.TemplateTime, second.TemplateTime);
        Assert.Null(first.Stop.MaxTokens);
        Assert.Equal(10, second.Stop.MaxTokens);

        // Started, two echoes, and five tokens: three of the first choice and two of the second.
        var choices = second.Continuation!.Choices;
        Assert.Equal([[0, 1, 2], [0, 1]], choices.Select(choice => choice.TokenIds));
        Assert.Equal([12, 8], choices.Select(choice => choice.TextLength));
        Assert.All(choices, choice => Assert.Equal((true, false), (choice.IsEchoed, choice.IsFinished)));
    }

    [Fact]
    public async Task A_seed_and_a_time_of_the_request_stay_as_they_are()
    {
        var time = Certificates.Now.AddYears(3);
        await _harness.RunAsync(Request() with { Sampling = new SamplingParams { Seed = 5 }, TemplateTime = time });
        Assert.Equal((5, time), (Heads.Asked[0].Request.Sampling.Seed, Heads.Asked[0].Request.TemplateTime));
    }

    [Fact]
    public async Task Choices_that_have_ended_stay_ended_and_their_counts_are_those_of_one_request()
    {
        var request = Request(choices: 2);
        Heads.Lose("a", HeadLoss.Broken, asked => ScriptedHeads.Honest(asked).SkipLast(1));
        var events = await _harness.RunAsync(request);
        AssertWhole(events, request);
        Assert.True(Heads.Asked[1].Request.Continuation!.Choices[0].IsFinished);
        Assert.All(events.OfType<GenerationFinished>(), finished => Assert.Equal(1, finished.CachedPromptTokens));
    }

    [Fact]
    public async Task Behind_the_last_end_nothing_more_is_wanted_of_a_head()
    {
        Heads.Lose("a", HeadLoss.Broken, ScriptedHeads.Honest);
        AssertWhole(await _harness.RunAsync());
        Assert.Equal(["a"], _harness.Asked);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Heads_that_are_lost_again_and_again_change_nothing(int seed)
    {
        var random = new Random(seed);
        var request = Request(choices: 3) with { EchoPrompt = seed % 2 == 0 };
        foreach (var id in (string[])["a", "b", "c"])
            Heads.Lose(id, HeadLoss.Broken, asked => Begin(asked, 2 + random.Next(8)));
        var running = _harness.RunWhileTimePassesAsync(request);
        AssertWhole(await running, request);
        Assert.True(Heads.Asked.Count > 4);
    }

    [Fact]
    public async Task A_request_that_breaks_two_heads_at_once_is_given_to_no_third()
    {
        Heads.Lose("a", HeadLoss.Broken, request => Begin(request, 1));
        Heads.Lose("b", HeadLoss.Silent, request => Begin(request, 1));
        var error = await _harness.ErrorAsync();
        Assert.Equal(GenerationErrorKind.Internal, error.Kind);
        Assert.Contains("2 machines", error.Message);
        Assert.Equal(["a", "b"], _harness.Asked);
    }

    [Fact]
    public void A_head_that_is_lost_with_many_requests_says_nothing_of_each_of_them()
    {
        var options = new ClusterBackendOptions();
        var budget = new RetryBudget(options);
        for (var i = 0; i < options.MaxLosses - 1; i++)
            budget.Note(HeadLoss.Broken, TimeSpan.Zero, hasProgressed: false, crowd: options.Crowd + 1);
        Assert.False(budget.IsSpent);
        Assert.Equal(0, budget.InARow);

        budget.Note(HeadLoss.Broken, TimeSpan.Zero, hasProgressed: false, crowd: options.Crowd + 1);
        Assert.True(budget.IsSpent);
    }

    [Fact]
    public void The_crowd_of_a_head_is_the_most_that_it_had_at_once_until_it_has_none()
    {
        var loads = new ReplicaLoads(new PrefixAffinityPolicy(new Random(1)), TimeSpan.Zero, _harness.Clock);
        var replica = ScriptedHeads.Replica("a");
        var leases = Enumerable.Range(0, 3).Select(_ => loads.Take(Request(), [replica])).ToList();
        leases[0].Dispose();
        leases[1].Dispose();
        Assert.Equal((1, 3), (loads.InFlight("a"), loads.MostInFlight("a")));

        leases[2].Dispose();
        Assert.Equal((0, 0), (loads.InFlight("a"), loads.MostInFlight("a")));
    }

    [Fact]
    public async Task A_request_that_brought_heads_down_slowly_is_given_up_later()
    {
        foreach (var id in (string[])["a", "b", "c"])
            Heads.Script(id, request => Slowly(request));
        var events = await _harness.RunWhileTimePassesAsync();
        Assert.Equal(GenerationErrorKind.Internal, Assert.IsType<GenerationFailed>(events[^1]).Error.Kind);
        Assert.Equal(new ClusterBackendOptions().MaxLossesWithoutProgress, Heads.Asked.Count);

        async IAsyncEnumerable<GenerationEvent> Slowly(GenerationRequest request)
        {
            yield return new GenerationStarted(3);
            await Task.Yield();
            _harness.Clock.Advance(TimeSpan.FromSeconds(5));
            throw new HeadLostException(HeadLoss.Broken, "slowly");
        }
    }

    [Fact]
    public async Task Heads_that_can_not_be_reached_or_leave_in_order_speak_for_nobodys_fault()
    {
        Heads.Lose("a", HeadLoss.Unreachable);
        Heads.Lose("b", HeadLoss.Leaving, request => Begin(request, 1));
        AssertWhole(await _harness.RunAsync());
        Assert.Equal(["a", "b", "c"], _harness.Asked);
    }

    [Fact]
    public async Task A_head_that_was_lost_is_avoided_by_later_requests_for_a_while()
    {
        Heads.Lose("a", HeadLoss.Unreachable);
        await _harness.RunAsync();
        await _harness.RunAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(3));
        await _harness.RunAsync();
        Assert.Equal(["a", "b", "b", "a", "b"], _harness.Asked);
    }

    [Fact]
    public async Task A_request_waits_for_a_head_and_goes_on_when_one_comes()
    {
        Heads.Lose("a", HeadLoss.Broken, request => Begin(request, 5));
        _harness.Table.Set(Model, ScriptedHeads.Replica("a"));
        var running = _harness.RunAsync();
        await Eventually.TrueAsync(() => _harness.Table.Waiting > 0);
        Assert.False(running.IsCompleted);

        // The same replica, with a new head in place of the lost one: nobody waits for a pause.
        Heads.Script("a", request => ScriptedHeads.Honest(request).ToAsyncEnumerable());
        _harness.Table.Set(Model, ScriptedHeads.Replica("a", head: "a, started anew"));
        AssertWhole(await running);
        Assert.Equal(["a", "a"], _harness.Asked);
    }

    [Fact]
    public async Task A_request_for_a_model_that_sleeps_wakes_it_and_waits_for_it()
    {
        _harness.Table.Set(Model, new ReplicaSet(0, []) { IsAsleep = true, NotReadyReason = "it is being loaded again", Progress = 0 });
        var running = _harness.RunAsync();
        await Eventually.TrueAsync(() => _harness.Table.Waiting > 0);
        Assert.Equal([Model], _harness.Table.Woken);

        _harness.Table.Set(Model, ScriptedHeads.Replica("a"));
        AssertWhole(await running);
        Assert.Single(_harness.Table.Woken);
    }

    [Fact]
    public async Task A_request_for_a_model_that_is_awake_wakes_nothing()
    {
        AssertWhole(await _harness.RunAsync());
        Assert.Empty(_harness.Table.Woken);
    }

    [Fact]
    public async Task A_lone_head_that_was_lost_is_asked_again_after_a_pause()
    {
        var attempts = 0;
        _harness.Table.Set(Model, ScriptedHeads.Replica("a"));
        Heads.Script("a", request => attempts++ == 0 ? Lost() : ScriptedHeads.Honest(request).ToAsyncEnumerable());
        AssertWhole(await _harness.RunWhileTimePassesAsync());
        Assert.Equal(2, attempts);

        static async IAsyncEnumerable<GenerationEvent> Lost()
        {
            await Task.Yield();
            if (DateTime.UnixEpoch.Year == 1970)
                throw new HeadLostException(HeadLoss.Unreachable, "refused");
            yield break;
        }
    }

    [Fact]
    public async Task Where_no_head_comes_in_time_the_reader_is_told_why_and_when_to_try_again()
    {
        _harness.Table.Set(Model, new ReplicaSet(0, [ScriptedHeads.Replica("a", isReady: false)])
        {
            NotReadyReason = "its weights are on their way to garage-pc",
            Progress = 0.42,
        });
        var start = _harness.Clock.GetUtcNow();
        var events = await _harness.RunWhileTimePassesAsync();
        var error = Assert.IsType<GenerationFailed>(Assert.Single(events)).Error;
        Assert.Equal(GenerationErrorKind.ModelUnavailable, error.Kind);
        Assert.Contains("its weights are on their way to garage-pc (42 %)", error.Message);
        Assert.NotNull(error.RetryAfter);
        Assert.InRange(_harness.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(31));
    }

    [Fact]
    public async Task A_model_that_is_taken_away_in_the_middle_ends_its_streams_with_that_reason()
    {
        Heads.Lose("a", HeadLoss.Broken, request => Begin(request, 5));
        _harness.Table.Set(Model, ScriptedHeads.Replica("a"));
        var running = _harness.RunAsync();
        await Eventually.TrueAsync(() => _harness.Table.Waiting > 0);
        _harness.Table.Remove(Model);
        await Eventually.TrueAsync(() =>
        {
            _harness.Clock.Advance(TimeSpan.FromSeconds(1));
            return running.IsCompleted;
        });
        Assert.Contains("not deployed any more", Assert.IsType<GenerationFailed>((await running)[^1]).Error.Message);
    }

    [Fact]
    public async Task Who_leaves_while_a_head_is_looked_for_is_let_go()
    {
        _harness.Table.Set(Model, ScriptedHeads.Replica("a", isReady: false));
        using var cancellation = new CancellationTokenSource();
        var running = _harness.RunAsync(cancellationToken: cancellation.Token);
        await Eventually.TrueAsync(() => _harness.Table.Waiting > 0);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Eventually.TrueAsync(() => _harness.Table.Waiting == 0);
    }

    [Fact]
    public async Task A_head_that_refuses_what_another_has_accepted_is_not_believed()
    {
        Heads.Lose("a", HeadLoss.Broken, request => Begin(request, 5));
        Heads.Fail("b", GenerationErrorKind.ContextLengthExceeded);
        AssertWhole(await _harness.RunAsync());
        Assert.Equal(["a", "b", "c"], _harness.Asked);
    }

    [Fact]
    public async Task Requests_are_counted_where_they_are_worked_on()
    {
        var release = new TaskCompletionSource();
        Heads.Script("a", Waiting);
        var running = _harness.RunAsync();
        await Eventually.TrueAsync(() => _harness.Backend.RequestsInFlight("a") == 1);
        release.SetResult();
        AssertWhole(await running);
        Assert.Equal(0, _harness.Backend.RequestsInFlight("a"));

        async IAsyncEnumerable<GenerationEvent> Waiting(GenerationRequest request)
        {
            await release.Task;
            foreach (var next in ScriptedHeads.Honest(request))
                yield return next;
        }
    }
}
