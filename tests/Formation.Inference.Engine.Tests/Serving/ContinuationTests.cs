using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Tests.Speculation;
using Formation.Inference.Testing;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>
/// Wherever a stream is cut, another engine goes on behind it as if nothing had happened: texts, tokens, log-probabilities, ends and counts
/// together are those of the undisturbed request. An invented model draws each token from a hash of the whole history.
/// </summary>
public sealed class ContinuationTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 12)];

    static string Fingerprint(CollectedGeneration generation, int choices) =>
        SpeculationExactnessTests.Fingerprint(generation, choices) + string.Join('|', Enumerable.Range(0, choices).Select(choice =>
            string.Join(' ', generation.Events.OfType<GenerationDelta>().Where(delta => delta.Choice == choice).SelectMany(delta => delta.TokenIds))));

    /// <summary>Half of the requests want no log-probabilities: their streams are other ones.</summary>
    static List<(GenerationRequest Request, int[] Prompt)> Workload(int seed, EngineHarness harness) =>
        [.. SpeculationExactnessTests.Workload(seed, harness).Select((item, i) => i % 2 == 0 ? item : (item.Request with { Logprobs = null }, item.Prompt))];

    /// <summary>Runs a request so slowly that each step's events are read before the next.</summary>
    static async Task<CollectedGeneration> Undisturbed(GenerationRequest request, int[] prompt)
    {
        await using var harness = new EngineHarness(blocks: 512);
        var hasRead = new SemaphoreSlim(1);
        harness.Model.Stage.BeforeForward = (_, cancellation) => hasRead.Wait(2, cancellation);
        return await CollectedGeneration.FromAsync(Read());

        async IAsyncEnumerable<GenerationEvent> Read()
        {
            await foreach (var next in harness.Engine.Submit(request, prompt).Events.ReadAllAsync(CancellationToken.None))
            {
                yield return next;
                if (hasRead.CurrentCount == 0)
                    hasRead.Release();
            }
        }
    }

    static async Task CutEverywhere(int seed, Func<EngineHarness> newEngine)
    {
        await using var engine = newEngine();
        foreach (var (request, prompt) in Workload(seed, engine))
        {
            var whole = await Undisturbed(request, prompt);
            var expected = Fingerprint(whole, request.Choices);
            var cuts = Enumerable.Range(1, whole.Events.Count - 1)
                .Select(count => whole.Events.Take(count).ToList())
                .Where(before => Delivered.IsUnfinished(before, request.Choices));
            foreach (var some in cuts.Chunk(8))
                await Task.WhenAll(some.Select(async before =>
                {
                    var after = await engine.RunAsync(request with { Continuation = Delivered.Of(before, request.Choices) }, prompt);
                    Assert.Equal(expected, Fingerprint(await before.JoinedWith(after), request.Choices));
                }));
        }

        Assert.Equal(0, (await engine.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public Task A_stream_that_is_cut_anywhere_goes_on_as_if_nothing_had_happened(int seed) =>
        CutEverywhere(seed, () => new EngineHarness(SpeculationExactnessTests.Scheduler(seed), blocks: 512));

    [Theory]
    [MemberData(nameof(Seeds))]
    public Task It_does_so_where_blocks_run_out(int seed) =>
        CutEverywhere(seed, () => new EngineHarness(SpeculationExactnessTests.Scheduler(seed), blocks: 16, context: 16 * 16));

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task It_does_so_with_guesses_that_are_right_most_of_the_time(int seed)
    {
        var oracle = new OracleDrafter(await SpeculationExactnessTests.Completions(seed), new Random(seed), errors: 0.1);
        await CutEverywhere(seed, () => new EngineHarness(
            SpeculationExactnessTests.Scheduler(seed), blocks: 512, drafters: [oracle],
            speculation: new SpeculationOptions { IsAdaptive = false, MaxDraftTokens = 6 }));
    }

    [Fact]
    public async Task A_request_that_was_begun_elsewhere_comes_before_those_that_have_not_begun()
    {
        await using var engine = new EngineHarness(new SchedulerOptions { MaxRunningSequences = 1 });
        var prompt = EngineHarness.Prompt(20, salt: 3);
        var request = engine.Request(maxTokens: 8, EngineHarness.Greedy);
        var before = (await Undisturbed(request, prompt)).Events.Take(4).ToList();
        var served = new List<int>();
        using var gate = new ManualResetEventSlim();
        var isHeld = false;
        engine.Model.Stage.BeforeForward = (batch, cancellation) =>
        {
            isHeld = true;
            gate.Wait(cancellation);
            // Each request's prompt is the only one of its length.
            if (batch.Slices.Single().FirstPosition == 0)
                served.Add(batch.Slices.Single().RowCount);
        };

        var waiting = new List<Task> { engine.RunAsync(request, EngineHarness.Prompt(31)) };
        await Eventually.TrueAsync(() => Volatile.Read(ref isHeld));
        waiting.Add(engine.RunAsync(request, EngineHarness.Prompt(32, salt: 1)));
        waiting.Add(engine.RunAsync(request, EngineHarness.Prompt(33, salt: 2)));
        waiting.Add(engine.RunAsync(request with { Continuation = Delivered.Of(before, 1) }, prompt));
        gate.Set();
        await Task.WhenAll(waiting);

        Assert.Equal(4, served.Count);
        Assert.Equal((31, 32, 33), (served[0], served[2], served[3]));
    }

    [Fact]
    public async Task A_stream_that_is_cut_again_and_again_loses_nothing()
    {
        await using var engine = new EngineHarness(blocks: 512);
        var prompt = EngineHarness.Prompt(20);
        var request = engine.Request(60, new SamplingParams { Temperature = 0.8f, Seed = 5, FrequencyPenalty = 0.3f }) with { Choices = 3, Logprobs = null };
        var expected = Fingerprint(await Undisturbed(request, prompt), 3);

        var (all, random) = (new List<GenerationEvent>(), new Random(5));
        for (var attempts = 0; Delivered.IsUnfinished(all, 3); attempts++)
        {
            Assert.True(attempts < 1000, "no attempt made progress");
            var next = all.Count == 0 ? request : request with { Continuation = Delivered.Of(all, 3) };
            var generation = await engine.RunAsync(next, prompt);
            Assert.Null(generation.Error);
            all.AddRange(generation.Events.Skip(all.Count == 0 ? 0 : 1).Take(random.Next(4)));
        }

        Assert.Equal(expected, Fingerprint(await CollectedGeneration.FromAsync(all.ToAsyncEnumerable()), 3));
    }

    [Fact]
    public async Task A_choice_that_had_all_its_tokens_only_ends()
    {
        await using var engine = new EngineHarness();
        var request = engine.Request(12) with { Stop = new StopConditions { MaxTokens = 12, IgnoreEndOfGeneration = true } };
        var prompt = EngineHarness.Prompt(9);
        var whole = await engine.RunAsync(request, prompt);
        var before = whole.Events.Take(whole.Events.Count - 1).ToList();
        var after = await engine.RunAsync(request with { Continuation = Delivered.Of(before, 1) }, prompt);
        Assert.Equal([whole.Events[0], whole.Events[^1] with { }], [after.Events[0], after.Finished() with { CachedPromptTokens = 0 }]);
        Assert.Equal(2, after.Events.Count);
    }

    [Fact]
    public async Task Generated_positions_are_computed_as_such_and_not_as_a_prompt()
    {
        await using var engine = new EngineHarness();
        var (request, prompt) = (engine.Request(30), EngineHarness.Prompt(9));
        var whole = await Undisturbed(request, prompt);
        var before = whole.Events.Take(whole.Events.Count / 2).ToList();
        var forced = Delivered.Of(before, 1).Choices[0].TokenIds.Count;
        Assert.True(forced > 2);

        var kinds = new List<(SliceKind Kind, int First, int Count)>();
        engine.Model.Stage.BeforeForward = (batch, _) => kinds.AddRange(batch.Slices.Select(slice => (slice.Kind, slice.FirstPosition, slice.RowCount)));
        await engine.RunAsync(request with { Continuation = Delivered.Of(before, 1) }, prompt);
        Assert.Equal([(SliceKind.Prefill, 0, 9), (SliceKind.Decode, 9, forced)], kinds.Take(2));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3")]
    public async Task With_real_kernels_the_log_probabilities_are_the_same_bit_for_bit(string architecture)
    {
        var shape = architecture == "llama"
            ? TinyServer.Small
            : Testing.Models.TinyModelOptions.Qwen3 with { HiddenSize = 64, FeedForwardSize = 128, HeadSize = 32 };
        await using var first = new TinyServer(shape, contextLength: 192);
        await using var second = new TinyServer(shape, new SchedulerOptions { MaxPrefillTokens = 13 }, contextLength: 192);
        var request = TinyServer.Request("What is it that the world is made of, and what does it do?", maxTokens: 40) with
        {
            Choices = 3,
            EchoPrompt = true,
            Logprobs = new LogprobOptions(2),
            Sampling = new SamplingParams { Temperature = 0.9f, TopP = 0.95f, Seed = 7, RepetitionPenalty = 1.1f },
            Stop = new StopConditions { MaxTokens = 40, MinTokens = 5, Strings = ["e"], IgnoreEndOfGeneration = true },
        };
        var whole = await first.RunAsync(request);
        var expected = Fingerprint(whole, 3);
        for (var count = 1; count < whole.Events.Count; count++)
        {
            var before = whole.Events.Take(count).ToList();
            if (!Delivered.IsUnfinished(before, 3))
                continue;
            var after = await second.RunAsync(request with { Continuation = Delivered.Of(before, 3) });
            Assert.Equal(expected, Fingerprint(await before.JoinedWith(after), 3));
        }
    }

    [Fact]
    public async Task What_does_not_fit_the_request_is_refused()
    {
        await using var server = new TinyServer(contextLength: 64);
        var request = TinyServer.Request("Hi", maxTokens: 3) with { Choices = 2 };
        var open = new ContinuedChoice();
        Assert.Contains("another number of choices", await ErrorOf(open));
        Assert.Contains("all choices have ended", await ErrorOf(new ContinuedChoice { IsFinished = true }, new ContinuedChoice { IsFinished = true }));
        Assert.Contains("more tokens", await ErrorOf(open, new ContinuedChoice { TokenIds = [1, 2, 3, 4] }));
        Assert.Contains("token id 1000000", await ErrorOf(open, new ContinuedChoice { TokenIds = [1_000_000] }));

        async Task<string> ErrorOf(params ContinuedChoice[] choices)
        {
            var error = (await server.RunAsync(request with { Continuation = new Continuation(choices) })).Error!;
            Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.Continuation)), (error.Kind, error.Parameter));
            return error.Message;
        }
    }
}
