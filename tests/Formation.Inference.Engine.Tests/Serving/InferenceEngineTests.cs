using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class InferenceEngineTests
{
    static int[] Prompt(int length, int salt = 0) => EngineHarness.Prompt(length, salt);

    [Fact]
    public async Task Greedy_tokens_are_the_models_own_and_the_events_follow_their_grammar()
    {
        await using var harness = new EngineHarness();
        var generation = await harness.RunAsync(harness.Request(maxTokens: 30), Prompt(20));
        Assert.Equal(harness.Expected(Prompt(20), 30), EngineHarness.TokensOf(generation));
        Assert.IsType<GenerationStarted>(generation.Events[0]);
        Assert.IsType<GenerationFinished>(generation.Events[^1]);
        Assert.Equal(20, generation.PromptTokens);
        Assert.Equal(harness.Model.Tokenizer.Decode(harness.Expected(Prompt(20), 30)), generation.Text());
    }

    [Fact]
    public async Task The_engines_thread_has_a_name_and_is_the_only_one_that_computes()
    {
        await using var harness = new EngineHarness();
        var names = new HashSet<string?>();
        harness.Model.Stage.BeforeForward = (_, _) => names.Add(Thread.CurrentThread.Name);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => harness.RunAsync(harness.Request(5), Prompt(5, i)))));
        Assert.Equal(["engine invented"], names);
    }

    [Fact]
    public async Task The_choices_of_a_request_compute_the_prompt_once_and_draw_differently()
    {
        await using var harness = new EngineHarness();
        var request = harness.Request(12, new SamplingParams { Seed = 3 }) with { Choices = 4 };
        var generation = await harness.RunAsync(request, Prompt(100));
        var texts = Enumerable.Range(0, 4).Select(choice => string.Join(',', EngineHarness.TokensOf(generation, choice))).ToList();
        Assert.Equal(4, texts.Distinct().Count());

        // 96 of 100 positions are in full blocks; each further choice computes the last 4 itself.
        var decoded = Enumerable.Range(0, 4).Sum(choice => generation.Finished(choice).CompletionTokens - 1);
        Assert.Equal(100 + 3 * 4 + decoded, harness.Model.Stage.ComputedRows);

        foreach (var choice in Enumerable.Range(0, 4))
            Assert.Equal(0, generation.Finished(choice).CachedPromptTokens);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task The_first_choice_is_the_same_however_many_there_are()
    {
        await using var harness = new EngineHarness();
        var sampling = new SamplingParams { Seed = 9, TopP = 0.9f };
        var alone = await harness.RunAsync(harness.Request(15, sampling), Prompt(40));
        var many = await harness.RunAsync(harness.Request(15, sampling) with { Choices = 5 }, Prompt(40));
        Assert.Equal(EngineHarness.TokensOf(alone), EngineHarness.TokensOf(many));
        Assert.Equal(32, many.Finished().CachedPromptTokens);
    }

    [Fact]
    public async Task An_end_of_generation_token_ends_the_choice_and_is_no_text()
    {
        await using var harness = new EngineHarness();
        var eos = harness.Model.Tokenizer.Eos!.Value;
        harness.Model.Head.Adjust = (hash, logits) => logits[eos] = hash % 5 == 0 ? 100 : -100;
        var prompt = Prompt(10);
        var expected = harness.Model.Greedy(prompt, 200);
        Assert.Equal(eos, expected[^1]);

        var generation = await harness.RunAsync(harness.Request(200), prompt);
        Assert.Equal(expected.SkipLast(1), EngineHarness.TokensOf(generation));
        var finished = generation.Finished();
        Assert.Equal((FinishReason.Stop, expected.Count), (finished.Reason, finished.CompletionTokens));
        Assert.Equal((null, null), (finished.StopString, finished.StopTokenId));

        var ignoring = harness.Request(expected.Count + 3);
        ignoring = ignoring with { Stop = ignoring.Stop with { IgnoreEndOfGeneration = true } };
        Assert.Equal(expected.Count + 3, (await harness.RunAsync(ignoring, prompt)).Finished().CompletionTokens);
        var longer = harness.Request(200);
        longer = longer with { Stop = longer.Stop with { MinTokens = expected.Count } };
        Assert.InRange((await harness.RunAsync(longer, prompt)).Finished().CompletionTokens, expected.Count + 1, 200);
    }

    [Fact]
    public async Task A_stop_string_inside_the_text_ends_it_there_and_its_tokens_are_not_reported()
    {
        await using var harness = new EngineHarness();
        harness.Model.Head.Adjust = OnlyAscii(harness.Model);
        var whole = await harness.RunAsync(harness.Request(40), Prompt(10));
        var stop = whole.Text().Substring(11, 5);

        var request = harness.Request(40);
        var cut = await harness.RunAsync(request with { Stop = request.Stop with { Strings = ["never there", stop] } }, Prompt(10));
        var end = whole.Text().IndexOf(stop, StringComparison.Ordinal);
        Assert.Equal(whole.Text()[..end], cut.Text());
        Assert.Equal((FinishReason.Stop, stop), (cut.Finished().Reason, cut.Finished().StopString));
        var reported = string.Concat(cut.Tokens().Select(token => System.Text.Encoding.UTF8.GetString(token.Bytes.Span)));
        Assert.StartsWith(reported, whole.Text()[..end]);
    }

    [Fact]
    public async Task A_stop_token_ends_the_choice_and_is_named()
    {
        await using var harness = new EngineHarness();
        var tokens = harness.Expected(Prompt(10), 20);
        var request = harness.Request(40);
        var generation = await harness.RunAsync(request with { Stop = request.Stop with { TokenIds = [tokens[6]] } }, Prompt(10));
        var end = Array.IndexOf(tokens, tokens[6]);
        Assert.Equal(tokens[..end], EngineHarness.TokensOf(generation));
        var finished = generation.Finished();
        Assert.Equal((FinishReason.Stop, tokens[6], end + 1), (finished.Reason, finished.StopTokenId, finished.CompletionTokens));
    }

    [Fact]
    public async Task Without_a_limit_the_end_of_the_context_ends_the_choice()
    {
        await using var harness = new EngineHarness(context: 60);
        harness.Model.Head.Adjust = NoEnd(harness.Model);
        var request = harness.Request(1) with { Stop = StopConditions.Default };
        var generation = await harness.RunAsync(request, Prompt(20));
        Assert.Equal((FinishReason.Length, 40), (generation.Finished().Reason, generation.Finished().CompletionTokens));
    }

    [Fact]
    public async Task Log_probabilities_are_the_models_own()
    {
        await using var harness = new EngineHarness();
        var prompt = Prompt(8);
        harness.Model.Head.Adjust = NoEnd(harness.Model);
        var request = harness.Request(1, new SamplingParams { Temperature = 0, RepetitionPenalty = 1.5f }) with { Logprobs = new LogprobOptions(3) };
        var token = Assert.Single((await harness.RunAsync(request, prompt)).Tokens());

        var logits = harness.Model.Head.LogitsOf(prompt.Aggregate(InventedHead.EmptyHash, InventedHead.Extend));
        var normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        Assert.Equal(logits[token.TokenId] - normalizer, token.Logprob!.Value, 4);
        var best = logits.OrderDescending().Take(3).Select(logit => (float)(logit - normalizer));
        Assert.Equal(best, token.Top.Select(item => item.Logprob), (left, right) => Math.Abs(left - right) < 1e-4);
    }

    [Theory]
    [InlineData(512, 1)]
    [InlineData(7, 3)]
    public async Task An_echo_has_the_prompts_tokens_with_their_log_probabilities_however_it_is_cut(int prefill, int choices)
    {
        await using var harness = new EngineHarness(new SchedulerOptions { MaxPrefillTokens = prefill });
        var prompt = Prompt(50);
        await harness.RunAsync(harness.Request(1), prompt);
        var request = harness.Request(4) with { EchoPrompt = true, Choices = choices, Logprobs = new LogprobOptions(1) };
        var generation = await harness.RunAsync(request, prompt);
        for (var choice = 0; choice < choices; choice++)
        {
            Assert.Equal(harness.Model.Tokenizer.Decode(prompt), generation.Echo(choice));
            Assert.Equal(harness.Expected(prompt, 4), EngineHarness.TokensOf(generation, choice));
            var tokens = generation.EchoTokens(choice);
            Assert.Equal(prompt, tokens.Select(token => token.TokenId));
            Assert.Null(tokens[0].Logprob);
            for (var i = 1; i < prompt.Length; i++)
            {
                var logits = harness.Model.Head.LogitsOf(prompt.Take(i).Aggregate(InventedHead.EmptyHash, InventedHead.Extend));
                Assert.Equal(logits[prompt[i]] - Math.Log(logits.Sum(logit => Math.Exp(logit))), tokens[i].Logprob!.Value, 4);
                Assert.Equal(Array.IndexOf(logits, logits.Max()), tokens[i].Top.Single().TokenId);
            }
        }
    }

    [Theory]
    [InlineData(true, 20)]
    [InlineData(true, 1)]
    [InlineData(false, 20)]
    public async Task An_echo_without_completion_ends_at_once(bool withLogprobs, int length)
    {
        await using var harness = new EngineHarness();
        var request = harness.Request(0) with { EchoPrompt = true, Choices = 2, Logprobs = withLogprobs ? new LogprobOptions(0) : null };
        var generation = await harness.RunAsync(request, Prompt(length));
        Assert.Equal(withLogprobs ? length : 0, generation.EchoTokens(1).Count);
        Assert.Equal((FinishReason.Length, 0), (generation.Finished(1).Reason, generation.Finished(1).CompletionTokens));
        Assert.Equal("", generation.Text());
        var statistics = await harness.Engine.CheckIntegrityAsync();
        Assert.Equal((0, 0), (statistics.HeldBlocks, statistics.WaitingSequences));
    }

    [Fact]
    public async Task A_failed_step_fails_its_requests_and_no_others_and_the_engine_goes_on()
    {
        await using var harness = new EngineHarness(new SchedulerOptions { MaxRunningSequences = 1 });
        var failures = 1;
        harness.Model.Stage.BeforeForward = (_, _) =>
        {
            if (Interlocked.Decrement(ref failures) >= 0)
                throw new IOException("the stage is gone");
        };
        var first = harness.RunAsync(harness.Request(5), Prompt(5, 1));
        var second = harness.RunAsync(harness.Request(5), Prompt(5, 2));
        Assert.Equal(GenerationErrorKind.Internal, (await first).Error!.Kind);
        Assert.DoesNotContain("stage is gone", (await first).Error!.Message);
        Assert.Equal(harness.Expected(Prompt(5, 2), 5), EngineHarness.TokensOf(await second));
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task Logits_that_are_no_numbers_fail_their_request_only()
    {
        await using var harness = new EngineHarness();
        var poisoned = Prompt(12, 1).Aggregate(InventedHead.EmptyHash, InventedHead.Extend);
        harness.Model.Head.Adjust = (hash, logits) => logits[5] = hash == poisoned ? float.NaN : logits[5];
        harness.Pause();
        var bad = harness.RunAsync(harness.Request(5), Prompt(12, 1));
        var good = harness.RunAsync(harness.Request(5), Prompt(12, 2));
        harness.Resume();
        Assert.Equal(GenerationErrorKind.Internal, (await bad).Error!.Kind);
        Assert.Equal(5, EngineHarness.TokensOf(await good).Length);
    }

    [Fact]
    public async Task A_cancelled_request_is_dropped_within_a_step_and_its_blocks_are_free()
    {
        await using var harness = new EngineHarness();
        harness.Model.Head.Adjust = NoEnd(harness.Model);
        var running = harness.Engine.Submit(harness.Request(900) with { Choices = 3 }, Prompt(40));
        await harness.UntilAsync(statistics => statistics.RunningSequences == 3);
        harness.Pause();
        running.Cancel();
        var calls = harness.Model.Stage.Calls;
        harness.Resume();
        await harness.UntilAsync(statistics => statistics.RunningSequences == 0);
        Assert.InRange(harness.Model.Stage.Calls - calls, 0, 2);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task A_full_queue_refuses_with_a_time_to_try_again_and_takes_requests_when_it_has_room()
    {
        await using var harness = new EngineHarness(new SchedulerOptions { MaxRunningSequences = 1 }, maxQueued: 2);
        harness.Pause();
        var running = harness.RunAsync(harness.Request(3), Prompt(5, 0));
        await Eventually.TrueAsync(() => harness.Engine.QueuedRequests == 0);
        var queued = Enumerable.Range(1, 2).Select(i => harness.RunAsync(harness.Request(3), Prompt(5, i))).ToList();
        var refused = await harness.RunAsync(harness.Request(3), Prompt(5, 3));
        Assert.Equal(GenerationErrorKind.QueueFull, refused.Error!.Kind);
        Assert.InRange(refused.Error.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.Single(refused.Events);

        harness.Resume();
        await Task.WhenAll([running, .. queued]);
        Assert.Null((await harness.RunAsync(harness.Request(3), Prompt(5, 4))).Error);
        Assert.Equal(0, harness.Engine.QueuedRequests);
    }

    [Fact]
    public async Task Stopping_finishes_what_was_taken_and_refuses_what_comes()
    {
        await using var harness = new EngineHarness(new SchedulerOptions { MaxRunningSequences = 1 });
        harness.Pause();
        var taken = Enumerable.Range(0, 3).Select(i => harness.RunAsync(harness.Request(4), Prompt(5, i))).ToList();
        var stopping = harness.Engine.StopAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(GenerationErrorKind.ShuttingDown, (await harness.RunAsync(harness.Request(4), Prompt(5))).Error!.Kind);
        harness.Resume();
        await stopping;
        Assert.All(await Task.WhenAll(taken), generation => Assert.Null(generation.Error));
    }

    [Fact]
    public async Task What_is_not_finished_at_the_limit_fails()
    {
        await using var harness = new EngineHarness();
        harness.Pause();
        var running = harness.RunAsync(harness.Request(4), Prompt(5));
        await harness.Engine.StopAsync(TimeSpan.Zero);
        Assert.Equal(GenerationErrorKind.ShuttingDown, (await running).Error!.Kind);
    }

    [Fact]
    public async Task Accounts_never_share_cached_prompts()
    {
        await using var harness = new EngineHarness();
        await harness.RunAsync(harness.Request(1), Prompt(64));
        var other = await harness.RunAsync(harness.Request(1) with { AccountId = "other" }, Prompt(64));
        var same = await harness.RunAsync(harness.Request(1), Prompt(64));
        Assert.Equal((0, 48), (other.Finished().CachedPromptTokens, same.Finished().CachedPromptTokens));
        Assert.Equal(64 + 64 + 16, harness.Model.Stage.ComputedRows);
    }

    static Action<ulong, float[]> NoEnd(InventedModel model) => (_, logits) =>
    {
        foreach (var token in model.Tokenizer.EndOfGeneration)
            logits[token] = -100;
    };

    // Tokens 0 to 93 of the vocabulary are the printable ASCII characters.
    static Action<ulong, float[]> OnlyAscii(InventedModel model) => (_, logits) => logits.AsSpan(94).Fill(-100);
}
