using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Speculation;

/// <summary>
/// Whoever guesses, and however well: tokens, log-probabilities, texts, reasons to stop and cached prompt tokens are those of an engine that
/// does not speculate. An invented model draws each token from a hash of the whole history, so one wrong KV row changes all that follows.
/// </summary>
public sealed class SpeculationExactnessTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 24)];

    /// <summary>Requests of all kinds, the same for the same seed.</summary>
    internal static List<(GenerationRequest Request, int[] Prompt)> Workload(int seed, EngineHarness harness)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, random.Next(1, 9)).Select(i => (Request(random, harness), EngineHarness.Prompt(random.Next(1, 90), seed * 100 + i)))];
    }

    static readonly OutputFormat?[] Formats =
    [
        null, null, null, OutputFormat.JsonObject, new(OutputFormatKind.Pattern, "[a-z]{3,30}( [0-9A-F]+)*"),
        new(OutputFormatKind.Choice, """["yes","no","maybe later, when all is done"]"""), new(OutputFormatKind.Grammar, "root ::= \"(\" (root | [^()])* \")\""),
    ];

    static GenerationRequest Request(Random random, EngineHarness harness)
    {
        var request = harness.Request(random.Next(1, 100), new SamplingParams
        {
            Temperature = random.Next(3) * 0.6f,
            TopK = random.Next(3) == 0 ? 20 : 0,
            TopP = random.Next(2) == 0 ? 0.9f : 1,
            MinP = random.Next(4) == 0 ? 0.05f : 0,
            TypicalP = random.Next(6) == 0 ? 0.9f : 1,
            RepetitionPenalty = random.Next(2) == 0 ? 1.3f : 1,
            FrequencyPenalty = random.Next(3) == 0 ? 0.7f : 0,
            PresencePenalty = random.Next(3) == 0 ? 0.4f : 0,
            LogitBias = random.Next(4) == 0 ? new Dictionary<int, float> { [random.Next(250)] = 3 } : null,
            Seed = random.Next(),
        });
        return request with
        {
            AccountId = $"account {random.Next(3)}",
            Choices = random.Next(3) == 0 ? random.Next(2, 5) : 1,
            Logprobs = new LogprobOptions(random.Next(3)),
            EchoPrompt = random.Next(6) == 0,
            Stop = request.Stop with
            {
                MinTokens = random.Next(3) == 0 ? random.Next(20) : 0,
                IgnoreEndOfGeneration = random.Next(2) == 0,
                TokenIds = random.Next(3) == 0 ? [random.Next(250)] : [],
                Strings = random.Next(2) == 0 ? [((char)random.Next('a', 'z')).ToString(), $"{(char)random.Next('A', 'Z')}"] : [],
            },
            Format = Formats[random.Next(Formats.Length)],
        };
    }

    internal static SchedulerOptions Scheduler(int seed)
    {
        var random = new Random(seed);
        return new SchedulerOptions
        {
            MaxRunningSequences = random.Next(1, 12),
            MaxPrefillTokens = random.Next(8, 60),
            MaxPrefillTokensBesideDecode = random.Next(1, 40),
            PrefillEqualsDecode = random.Next(2) == 0,
        };
    }

    static EngineHarness Plain() => new(blocks: 512);

    internal static async Task<List<string>> Run(EngineHarness harness, int seed)
    {
        var workload = Workload(seed, harness);
        var generations = await Task.WhenAll(workload.Select(item => harness.RunAsync(item.Request, item.Prompt)));
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
        return [.. generations.Zip(workload, (generation, item) => Fingerprint(generation, item.Request.Choices))];
    }

    /// <summary>All that a reader sees of a request, bit for bit.</summary>
    internal static string Fingerprint(CollectedGeneration generation, int choices)
    {
        Assert.Null(generation.Error);
        Assert.IsType<GenerationStarted>(generation.Events[0]);
        return string.Join('\n', Enumerable.Range(0, choices).Select(choice =>
        {
            var finished = generation.Finished(choice);
            Assert.DoesNotContain(
                generation.Events.SkipWhile(next => next != finished), next => next is GenerationDelta delta && delta.Choice == choice);
            var tokens = generation.Tokens(choice).Concat(generation.EchoTokens(choice)).Select(token =>
                $"{token.TokenId}:{Bits(token.Logprob)}[{string.Join(',', token.Top.Select(top => $"{top.TokenId}:{Bits(top.Logprob)}"))}]");
            return $"{generation.Text(choice)}|{generation.Echo(choice)}|{string.Join(' ', tokens)}|"
                + $"{finished.Reason} {finished.CompletionTokens} {finished.StopString} {finished.StopTokenId}";
        }));

        static string Bits(float? value) => value is { } number ? $"{BitConverter.SingleToInt32Bits(number):x8}" : "none";
    }

    /// <summary>What each sequence of the workload goes on with, beyond where it stops.</summary>
    internal static async Task<Dictionary<(string, int), int[]>> Completions(int seed)
    {
        var known = new Dictionary<(string, int), int[]>();
        await using var harness = Plain();
        foreach (var (request, prompt) in Workload(seed, harness))
        {
            var endless = request with { EchoPrompt = false, Stop = request.Stop with { IgnoreEndOfGeneration = true, TokenIds = [], Strings = [] } };
            var generation = await harness.RunAsync(endless, prompt);
            for (var choice = 0; choice < request.Choices; choice++)
                known[(OracleDrafter.KeyOf(prompt), choice)] = EngineHarness.TokensOf(generation, choice);
        }

        return known;
    }

    internal static async Task<List<string>> Expected(int seed)
    {
        await using var harness = Plain();
        return await Run(harness, seed);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Guesses_that_are_right_most_of_the_time_change_nothing(int seed)
    {
        var random = new Random(seed);
        var oracle = new OracleDrafter(await Completions(seed), random, errors: seed % 4 * 0.15);
        await using var harness = new EngineHarness(
            Scheduler(seed), blocks: 512, drafters: [oracle],
            speculation: new SpeculationOptions { IsAdaptive = false, MaxDraftTokens = random.Next(1, 20) });
        Assert.Equal(await Expected(seed), await Run(harness, seed));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Guesses_that_are_right_change_nothing_where_blocks_run_out(int seed)
    {
        var oracle = new OracleDrafter(await Completions(seed), new Random(seed), errors: 0.1);
        await using var harness = new EngineHarness(Scheduler(seed), blocks: 13, context: 13 * 16, drafters: [oracle]);
        Assert.Equal(await Expected(seed), await Run(harness, seed));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Guesses_that_are_garbage_change_nothing(int seed)
    {
        await using var harness = new EngineHarness(Scheduler(seed), blocks: 40, context: 40 * 16, drafters: [new HostileDrafter(new Random(seed))]);
        Assert.Equal(await Expected(seed), await Run(harness, seed));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Guesses_from_several_drafters_of_which_one_fails_change_nothing(int seed)
    {
        var failing = new FailingDrafter(calls: 1 + seed);
        await using var harness = new EngineHarness(
            Scheduler(seed), blocks: 40, context: 40 * 16, speculation: new SpeculationOptions { IsAdaptive = seed % 2 == 0 },
            drafters: [failing, new PromptLookupDrafter(), new OracleDrafter(await Completions(seed), new Random(seed), errors: 0.2)]);
        Assert.Equal(await Expected(seed), await Run(harness, seed));
        Assert.InRange(failing.Calls, 0, 1 + seed);
    }
}
