using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Testing.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Engine.Tests.Speculation;

/// <summary>How an engine uses its drafters: what they save, when they are asked, and that they harm nobody.</summary>
public sealed class SpeculatorTests
{
    const int Constant = 7;

    static EngineHarness Engine(
        IDrafter drafter, SpeculationOptions? options = null, FakeTimeProvider? clock = null, SchedulerOptions? scheduler = null, int context = 1024)
    {
        var harness = new EngineHarness(scheduler, blocks: 256, context: context, speculation: options, drafters: [drafter], clock: clock);
        harness.Model.Head.Adjust = (_, logits) => logits[Constant] = 100;
        return harness;
    }

    [Fact]
    public async Task A_right_guess_of_fifteen_tokens_makes_sixteen_in_one_step()
    {
        var drafter = new ConstantDrafter(Constant);
        await using var harness = Engine(drafter);
        var tokens = EngineHarness.TokensOf(await harness.RunAsync(harness.Request(65), EngineHarness.Prompt(20)));
        Assert.Equal(Enumerable.Repeat(Constant, 65), tokens);

        // One step for the prompt and the first token, then four of sixteen tokens each.
        Assert.Equal(5, harness.Model.Stage.Calls);
        Assert.Equal(20 + 4 * 16, harness.Model.Stage.ComputedRows);
        var statistics = await harness.Engine.CheckIntegrityAsync();
        Assert.Equal((60, 60, 1.0), (statistics.DraftTokens, statistics.AcceptedDraftTokens, statistics.DraftAcceptance));
    }

    [Fact]
    public async Task No_more_is_guessed_than_the_request_or_the_context_has_room_for()
    {
        var drafter = new ConstantDrafter(Constant);
        await using var harness = Engine(drafter, context: 40);
        await harness.RunAsync(harness.Request(10), EngineHarness.Prompt(20));
        Assert.Equal([8], drafter.Limits);
        var unlimited = harness.Request(1) with { Stop = StopConditions.Default };
        var generation = await harness.RunAsync(unlimited, EngineHarness.Prompt(29));
        Assert.Equal((FinishReason.Length, 11), (generation.Finished().Reason, generation.Finished().CompletionTokens));
        Assert.Equal([8, 9], drafter.Limits);
        await harness.RunAsync(harness.Request(2), EngineHarness.Prompt(20));
        Assert.Equal([8, 9], drafter.Limits);
    }

    [Fact]
    public async Task What_stands_in_a_draft_behind_a_stop_is_no_part_of_the_answer()
    {
        var drafter = new ConstantDrafter(Constant);
        await using var harness = Engine(drafter);
        var letter = harness.Model.Tokenizer.Decode([Constant]);
        var request = harness.Request(60);
        var generation = await harness.RunAsync(
            request with { Choices = 3, Stop = request.Stop with { Strings = [string.Concat(Enumerable.Repeat(letter, 7))], MinTokens = 9 } },
            EngineHarness.Prompt(20));
        foreach (var choice in Enumerable.Range(0, 3))
        {
            Assert.Equal((FinishReason.Stop, 9), (generation.Finished(choice).Reason, generation.Finished(choice).CompletionTokens));
            Assert.Equal(letter + letter, generation.Text(choice));
        }

        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task A_step_with_a_prompt_has_no_drafts()
    {
        var drafter = new ConstantDrafter(Constant);
        await using var harness = Engine(drafter, scheduler: new SchedulerOptions { MaxPrefillTokens = 16, MaxPrefillTokensBesideDecode = 16 });
        var rows = new List<int[]>();
        harness.Model.Stage.BeforeForward += (batch, _) => rows.Add([.. batch.Slices.Select(slice => slice.RowCount)]);
        harness.Pause();
        var first = harness.RunAsync(harness.Request(200), EngineHarness.Prompt(10));
        var second = harness.RunAsync(harness.Request(1), EngineHarness.Prompt(60, salt: 1));
        harness.Resume();
        await Task.WhenAll(first, second);
        Assert.Contains(rows, step => step is [1, > 1]);
        Assert.DoesNotContain(rows, step => step is [> 1, _] && rows.IndexOf(step) > 0);
    }

    [Fact]
    public async Task Nothing_is_kept_of_sequences_that_have_ended_or_were_cancelled()
    {
        var drafter = new ConstantDrafter(Constant);
        await using var harness = Engine(drafter);
        await harness.RunAsync(harness.Request(50), EngineHarness.Prompt(10));
        await harness.Engine.CheckIntegrityAsync();
        Assert.Empty(drafter.Held);
        var cancelled = harness.Engine.Submit(harness.Request(900), EngineHarness.Prompt(10, salt: 1));
        await foreach (var next in cancelled.Events.ReadAllAsync(CancellationToken.None))
            if (next is GenerationDelta)
                break;
        cancelled.Cancel();
        await harness.UntilAsync(statistics => statistics.RunningSequences == 0);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
        Assert.Empty(drafter.Held);
    }

    [Fact]
    public async Task A_drafter_that_fails_is_not_asked_again()
    {
        var drafter = new FailingDrafter(calls: 3);
        await using var harness = Engine(drafter);
        Assert.Equal(50, EngineHarness.TokensOf(await harness.RunAsync(harness.Request(50), EngineHarness.Prompt(10))).Length);
        Assert.Equal(50, EngineHarness.TokensOf(await harness.RunAsync(harness.Request(50), EngineHarness.Prompt(12))).Length);
        Assert.Equal(3, drafter.Calls);
    }

    [Theory]
    [InlineData(0.05, 63, 100)]
    [InlineData(1.0, 900, 1000)]
    public async Task By_the_clock_drafts_are_used_where_rows_are_cheap_and_not_where_they_are_dear(double shareOfARow, int fewest, int most)
    {
        var clock = new FakeTimeProvider();
        await using var harness = Engine(new PromptLookupDrafter(), new SpeculationOptions(), clock, context: 2048);
        harness.Model.Stage.BeforeForward =
            (batch, _) => clock.Advance(TimeSpan.FromMilliseconds(10 * (1 + shareOfARow * (batch.RowCount - 1))));
        await harness.RunAsync(harness.Request(1000), EngineHarness.Prompt(20));
        Assert.InRange(harness.Model.Stage.Calls, fewest, most);
    }

    [Fact]
    public async Task The_better_of_two_drafters_is_asked_first_by_and_by()
    {
        var (wrong, right) = (new ConstantDrafter(Constant + 1), new ConstantDrafter(Constant));
        var clock = new FakeTimeProvider();
        await using var harness = new EngineHarness(
            blocks: 256, context: 2048, speculation: new SpeculationOptions(), drafters: [wrong, right], clock: clock);
        harness.Model.Head.Adjust = (_, logits) => logits[Constant] = 100;
        harness.Model.Stage.BeforeForward = (batch, _) => clock.Advance(TimeSpan.FromMilliseconds(10 + batch.RowCount));
        await harness.RunAsync(harness.Request(1500), EngineHarness.Prompt(20));
        Assert.InRange(wrong.Limits.Count, 1, 15);
        Assert.True(right.Limits.Count > 5 * wrong.Limits.Count);
    }

    [Fact]
    public void Switched_off_there_is_no_drafter()
    {
        var model = new InventedModel();
        Assert.Empty(Drafters.Create(new SpeculationOptions { Mode = SpeculationMode.Off }, model.Servable, null!));
        Assert.IsType<PromptLookupDrafter>(Assert.Single(Drafters.Create(new SpeculationOptions { Mode = SpeculationMode.Lookup }, model.Servable, null!)));
    }

    [Fact]
    public async Task A_follow_up_turn_finds_the_same_blocks_with_and_without_drafts()
    {
        foreach (var guessed in new[] { Constant, Constant + 1 })
        {
            await using var harness = Engine(new ConstantDrafter(guessed));
            var first = await harness.RunAsync(harness.Request(45), EngineHarness.Prompt(20));
            int[] history = [.. EngineHarness.Prompt(20), .. EngineHarness.TokensOf(first), 1, 2, 3];
            var next = await harness.RunAsync(harness.Request(5), history);
            Assert.Equal(64, next.Finished().CachedPromptTokens);
        }
    }
}
