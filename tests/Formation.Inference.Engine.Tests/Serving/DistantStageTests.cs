using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>An engine whose stage is far away: several steps on their way, and a stage that can be lost.</summary>
public sealed class DistantStageTests
{
    static readonly SchedulerOptions Small = new() { MaxRunningSequences = 12, MaxPrefillTokens = 16, MaxPrefillTokensBesideDecode = 8 };

    static int[] Prompt(int length, int salt = 0) => EngineHarness.Prompt(length, salt);

    [Fact]
    public async Task As_many_steps_are_on_their_way_as_the_stage_works_on_and_the_tokens_are_the_same()
    {
        var stage = new DistantStage(64, depth: 3);
        await using var harness = new EngineHarness(Small, stage: stage);
        var generations = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => harness.RunAsync(harness.Request(30), Prompt(20, i))));
        for (var i = 0; i < 6; i++)
            Assert.Equal(harness.Expected(Prompt(20, i), 30), EngineHarness.TokensOf(generations[i]));
        Assert.Equal(3, stage.MostAtOnce);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task The_chunks_of_a_long_prompt_are_on_their_way_together()
    {
        var stage = new DistantStage(64, depth: 4);
        var gate = new TaskCompletionSource();
        stage.BeforeForward = _ => gate.Task;
        await using var harness = new EngineHarness(Small, stage: stage);
        var running = harness.RunAsync(harness.Request(5), Prompt(100));
        await Eventually.TrueAsync(() => stage.MostAtOnce == 4);
        gate.SetResult();
        Assert.Equal(harness.Expected(Prompt(100), 5), EngineHarness.TokensOf(await running));
    }

    [Fact]
    public async Task A_batch_that_fails_on_a_healthy_stage_ends_its_own_requests_only()
    {
        var stage = new DistantStage(64, depth: 2);
        await using var harness = new EngineHarness(Small, stage: stage);
        var gate = new TaskCompletionSource();
        stage.BeforeForward = batch => batch.Slices.Any(slice => slice.SequenceId == 1) ? throw new InvalidOperationException("faulty") : gate.Task;
        var first = harness.RunAsync(harness.Request(40), Prompt(16));
        await Eventually.TrueAsync(() => stage.MostAtOnce == 1);
        var second = harness.RunAsync(harness.Request(40), Prompt(16, 1));
        await Eventually.TrueAsync(() => stage.MostAtOnce == 2);
        gate.SetResult();
        Assert.Equal(GenerationErrorKind.Internal, (await second).Error!.Kind);
        Assert.Equal(harness.Expected(Prompt(16), 40), EngineHarness.TokensOf(await first));
        Assert.Equal(0, stage.Recoveries);
    }

    [Fact]
    public async Task A_reader_that_leaves_while_its_step_is_on_its_way_harms_nobody()
    {
        var stage = new DistantStage(64, depth: 2);
        await using var harness = new EngineHarness(Small, stage: stage);
        stage.BeforeForward = _ => Task.Delay(1);
        var staying = harness.RunAsync(harness.Request(60), Prompt(16));
        for (var i = 1; i < 12; i++)
        {
            var (leaving, left) = (harness.Engine.Submit(harness.Request(500), Prompt(30, i)), 1 + i % 3);
            await foreach (var _ in leaving.Events.ReadAllAsync(CancellationToken.None))
                if (left-- == 0)
                    break;
            leaving.Cancel();
        }

        Assert.Equal(harness.Expected(Prompt(16), 60), EngineHarness.TokensOf(await staying));
        await harness.UntilAsync(statistics => statistics is { RunningSequences: 0, WaitingSequences: 0 });
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_stage_lost_again_and_again_changes_no_token(int depth)
    {
        var undisturbed = await RunMixedAsync(depth, lose: false);
        var disturbed = await RunMixedAsync(depth, lose: true);
        Assert.Equal(undisturbed, disturbed);
    }

    [Fact]
    public async Task Only_what_was_stored_is_computed_again()
    {
        var stage = new DistantStage(64, depth: 1);
        await using var harness = new EngineHarness(Small, stage: stage);
        var generated = 0;
        stage.BeforeForward = batch =>
        {
            if (batch.Slices[0].Kind == SliceKind.Decode && ++generated == 5)
                stage.Lose();
            return Task.CompletedTask;
        };
        var generation = await harness.RunAsync(harness.Request(10), Prompt(20));
        Assert.Equal(harness.Expected(Prompt(20), 10), EngineHarness.TokensOf(generation));

        // 20 positions of the prompt and the first four generated ones were stored; the fifth was on its way.
        Assert.Equal((1, 24), (stage.Recoveries, stage.RebuiltRows));
        Assert.Equal(20 + generation.Finished().CompletionTokens - 1, stage.ComputedRows);
    }

    [Fact]
    public async Task A_prefix_that_was_lost_with_its_stage_is_not_found_again()
    {
        var stage = new DistantStage(64, depth: 1);
        await using var harness = new EngineHarness(Small, stage: stage);
        await harness.RunAsync(harness.Request(2), Prompt(40));
        stage.Lose();
        var again = await harness.RunAsync(harness.Request(8), Prompt(40));
        Assert.Equal(harness.Expected(Prompt(40), 8), EngineHarness.TokensOf(again));

        // The cached blocks were taken before the loss was seen, so they are held, rebuilt and right; those of others are forgotten.
        Assert.Equal(1, stage.Recoveries);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task Without_a_replacement_requests_fail_in_time_and_later_ones_succeed()
    {
        var clock = new FakeTimeProvider();
        var stage = new DistantStage(64, depth: 2);
        var isThere = false;
        stage.FindReplacement = _ => isThere ? Task.CompletedTask : throw new StageLostException(stage.Layers, "no spare");
        await using var harness = new EngineHarness(Small, stage: stage, clock: clock, recoveryTimeout: TimeSpan.FromSeconds(10));
        stage.Lose();
        var running = harness.RunAsync(harness.Request(5), Prompt(20));
        await Eventually.TrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return running.IsCompleted;
        });
        var error = (await running).Error!;
        Assert.Equal(GenerationErrorKind.ModelUnavailable, error.Kind);
        Assert.NotNull(error.RetryAfter);

        isThere = true;
        var later = harness.RunAsync(harness.Request(5), Prompt(20));
        await Eventually.TrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return later.IsCompleted;
        });
        Assert.Equal(harness.Expected(Prompt(20), 5), EngineHarness.TokensOf(await later));
    }

    [Fact]
    public async Task What_is_lost_while_nobody_asks_is_replaced_before_somebody_does()
    {
        var stage = new DistantStage(64, depth: 2) { SeesLosses = true };
        await using var harness = new EngineHarness(Small, stage: stage);
        await harness.RunAsync(harness.Request(4), Prompt(40));
        for (var i = 1; i <= 3; i++)
        {
            stage.Lose();
            await Eventually.TrueAsync(() => stage.Recoveries == i);
        }

        var again = await harness.RunAsync(harness.Request(8), Prompt(40));
        Assert.Equal(harness.Expected(Prompt(40), 8), EngineHarness.TokensOf(again));
        Assert.Equal((3, 0), (stage.Recoveries, stage.RebuiltRows));
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task Who_asks_long_after_a_loss_waits_as_long_as_who_was_there()
    {
        var clock = new FakeTimeProvider();
        var stage = new DistantStage(64, depth: 1) { SeesLosses = true };
        var (searches, isThere) = (0, false);
        stage.FindReplacement = _ =>
        {
            Interlocked.Increment(ref searches);
            return isThere ? Task.CompletedTask : throw new StageLostException(stage.Layers, "no spare");
        };
        await using var harness = new EngineHarness(Small, stage: stage, clock: clock, recoveryTimeout: TimeSpan.FromSeconds(10));
        stage.Lose();
        await SearchAsync(9.5);
        var running = harness.RunAsync(harness.Request(5), Prompt(20));
        await harness.UntilAsync(statistics => statistics.WaitingSequences + statistics.RunningSequences == 1);
        await SearchAsync(8);
        Assert.False(running.IsCompleted);

        isThere = true;
        await Eventually.TrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(0.25));
            return running.IsCompleted;
        });
        Assert.Equal(harness.Expected(Prompt(20), 5), EngineHarness.TokensOf(await running));

        async Task SearchAsync(double seconds)
        {
            for (var end = clock.GetUtcNow() + TimeSpan.FromSeconds(seconds); clock.GetUtcNow() < end;)
            {
                var before = Volatile.Read(ref searches);
                for (var i = 0; i < 20 && clock.GetUtcNow() < end && Volatile.Read(ref searches) == before; i++)
                {
                    clock.Advance(TimeSpan.FromSeconds(0.25));
                    await Task.Delay(5, TestContext.Current.CancellationToken);
                }
            }
        }
    }

    [Fact]
    public async Task A_search_for_a_replacement_that_never_answers_is_given_up()
    {
        var clock = new FakeTimeProvider();
        var stage = new DistantStage(64, depth: 1);
        var searches = 0;
        stage.FindReplacement = token =>
        {
            Interlocked.Increment(ref searches);
            return Task.Delay(Timeout.Infinite, token);
        };
        await using var harness = new EngineHarness(Small, stage: stage, clock: clock, recoveryTimeout: TimeSpan.FromSeconds(10));
        stage.Lose();
        var running = harness.RunAsync(harness.Request(5), Prompt(20));
        await Eventually.TrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return running.IsCompleted;
        });
        Assert.Equal(GenerationErrorKind.ModelUnavailable, (await running).Error!.Kind);
        Assert.InRange(searches, 1, 100);
    }

    [Fact]
    public async Task A_request_can_be_cancelled_while_a_replacement_is_sought()
    {
        var stage = new DistantStage(64, depth: 1);
        var found = new TaskCompletionSource();
        stage.FindReplacement = token => found.Task.WaitAsync(token);
        stage.BeforeForward = _ => Task.Delay(1);
        await using var harness = new EngineHarness(Small, stage: stage);
        var generation = harness.Engine.Submit(harness.Request(500), Prompt(20));
        var staying = harness.RunAsync(harness.Request(500), Prompt(20, 1));
        await harness.UntilAsync(statistics => statistics.RunningSequences == 2);
        stage.Lose();
        await Eventually.TrueAsync(() => stage.MostAtOnce > 0);
        generation.Cancel();
        await harness.UntilAsync(statistics => statistics.RunningSequences <= 1);
        found.SetResult();
        Assert.Equal(harness.Expected(Prompt(20, 1), 500), EngineHarness.TokensOf(await staying));
    }

    [Fact]
    public async Task The_engine_ends_while_steps_are_on_their_way_or_a_replacement_is_sought()
    {
        var stage = new DistantStage(64, depth: 2) { BeforeForward = _ => Task.Delay(Timeout.Infinite) };
        var harness = new EngineHarness(Small, stage: stage);
        var running = harness.RunAsync(harness.Request(5), Prompt(40));
        await Eventually.TrueAsync(() => stage.MostAtOnce == 2);
        await harness.DisposeAsync();
        Assert.Equal(GenerationErrorKind.ShuttingDown, (await running).Error!.Kind);

        stage = new DistantStage(64, depth: 2) { FindReplacement = token => Task.Delay(Timeout.Infinite, token) };
        harness = new EngineHarness(Small, stage: stage);
        stage.Lose();
        running = harness.RunAsync(harness.Request(5), Prompt(40));
        await harness.UntilAsync(statistics => statistics.RunningSequences == 1);
        await harness.DisposeAsync();
        Assert.Equal(GenerationErrorKind.ShuttingDown, (await running).Error!.Kind);
    }

    /// <summary>Requests of all kinds at once, on a stage that is lost every few batches where that is wanted.</summary>
    static async Task<List<string>> RunMixedAsync(int depth, bool lose)
    {
        var stage = new DistantStage(48, depth);
        var batches = 0;
        stage.BeforeForward = _ =>
        {
            if (lose && Interlocked.Increment(ref batches) % 17 == 0)
                stage.Lose();
            return Task.CompletedTask;
        };
        await using var harness = new EngineHarness(
            Small, blocks: 48, stage: stage, speculation: new SpeculationOptions { IsAdaptive = false },
            createDrafter: _ => new PromptLookupDrafter());
        var requests = Enumerable.Range(0, 20).Select(i => harness.Request(20 + i, i % 2 == 0 ? EngineHarness.Greedy : new SamplingParams { Seed = i }) with
        {
            Choices = i % 5 == 1 ? 3 : 1,
            AccountId = $"account {i % 3}",
        });
        var generations = await Task.WhenAll(requests.Select((request, i) => harness.RunAsync(request, Prompt(5 + 7 * (i % 9), i % 4))));
        Assert.Equal(lose, stage.Recoveries > 5);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
        return [.. generations.SelectMany(generation => generation.Events.OfType<GenerationFinished>().Select(
            finished => $"{finished.Choice} {finished.Reason} {string.Join(',', EngineHarness.TokensOf(generation, finished.Choice))}").Order())];
    }
}
