using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Speculation.DraftModels;

/// <summary>
/// A draft model that is invented by the same rule as the model guesses everything right, but only if each of its own KV rows is: a block that is
/// lost, or a wrong guess that is not overwritten, shows as a guess that is not accepted.
/// </summary>
public sealed class ModelDrafterTests
{
    const int Vocabulary = 300;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 16)];

    /// <summary>An engine with a draft model.</summary>
    sealed class Pair : IAsyncDisposable
    {
        readonly InventedStage _stage;

        public Pair(int blocks = 256, int draftBlocks = 256, int draftContext = 4096, int draftRows = 256, int draftVocabulary = Vocabulary, int? seed = null)
        {
            _stage = new InventedStage(draftBlocks);
            DraftHead = new InventedHead(draftVocabulary);
            var draft = new DraftModel
            {
                Pipeline = new Pipeline(DraftHead, [_stage], draftRows),
                ContextLength = draftContext,
                BlockCount = draftBlocks,
            };
            Engine = new EngineHarness(
                seed is { } number ? SpeculationExactnessTests.Scheduler(number) : null, blocks, context: Math.Min(1024, blocks * 16),
                createDrafter: hasher => Drafter = new ModelDrafter(draft, Vocabulary, hasher, maxTargets: 16));
        }

        public EngineHarness Engine { get; }

        public InventedHead DraftHead { get; }

        public ModelDrafter Drafter { get; private set; } = null!;

        public int DraftRows => _stage.ComputedRows;

        public async Task<EngineStatistics> CheckIntegrityAsync()
        {
            var statistics = await Engine.Engine.CheckIntegrityAsync();
            Drafter.CheckIntegrity();
            return statistics;
        }

        public ValueTask DisposeAsync() => Engine.DisposeAsync();
    }

    static SamplingParams Drawing { get; } = new() { Temperature = 1, TopP = 0.9f, Seed = 5 };

    static GenerationRequest Endless(EngineHarness engine, int tokens, SamplingParams? sampling = null)
    {
        var request = engine.Request(tokens, sampling);
        return request with { Stop = request.Stop with { IgnoreEndOfGeneration = true } };
    }

    /// <summary>Makes ends of generation improbable: a draft is cut before them.</summary>
    static void NoEnd(Pair pair)
    {
        foreach (var head in new[] { pair.Engine.Model.Head, pair.DraftHead })
            head.Adjust = (_, logits) =>
            {
                foreach (var token in pair.Engine.Model.Tokenizer.EndOfGeneration)
                    if (token < logits.Length)
                        logits[token] = -100;
            };
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_model_that_is_the_same_guesses_every_token_greedy_or_drawn(bool isGreedy)
    {
        await using var pair = new Pair();
        NoEnd(pair);
        var request = Endless(pair.Engine, 161, isGreedy ? EngineHarness.Greedy : Drawing) with { Choices = 3 };
        await pair.Engine.RunAsync(request, EngineHarness.Prompt(50));
        var statistics = await pair.CheckIntegrityAsync();
        Assert.Equal(statistics.DraftTokens, statistics.AcceptedDraftTokens);

        // Of sixteen tokens fifteen are guessed, but for the steps in which the other choices begin.
        Assert.InRange(statistics.DraftTokens, 430, 450);
        Assert.Equal(0, pair.Drafter.HeldBlocks);
    }

    [Fact]
    public async Task After_a_wrong_guess_it_catches_up_and_is_right_again()
    {
        await using var pair = new Pair();
        NoEnd(pair);
        var right = pair.DraftHead.Adjust;
        pair.DraftHead.Adjust = (hash, logits) =>
        {
            right(hash, logits);
            if (hash % 6 == 0)
                logits[3] = 100;
        };
        var tokens = EngineHarness.TokensOf(await pair.Engine.RunAsync(Endless(pair.Engine, 400), EngineHarness.Prompt(33)));
        Assert.Equal(pair.Engine.Expected(EngineHarness.Prompt(33), 400), tokens);

        // Each wrong guess costs a draft its rest, and nothing after it.
        var statistics = await pair.CheckIntegrityAsync();
        Assert.InRange(statistics.AcceptedDraftTokens, 400 * 3 / 5, 400 - 400 / 12);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_it_guesses_the_tokens_are_the_same(int seed)
    {
        var random = new Random(seed);
        await using var pair = new Pair(
            blocks: seed % 2 == 0 ? 256 : 13, draftBlocks: random.Next(2, 40), draftContext: random.Next(20, 300), draftRows: random.Next(16, 60),
            draftVocabulary: random.Next(2) == 0 ? Vocabulary : random.Next(200, 320), seed: seed);
        var errors = (ulong)random.Next(2, 12);
        pair.DraftHead.Adjust = (hash, logits) => logits[hash % errors == 0 ? 3 : 4] += 4;
        Assert.Equal(await SpeculationExactnessTests.Expected(seed), await SpeculationExactnessTests.Run(pair.Engine, seed));
        await pair.CheckIntegrityAsync();
        Assert.Equal(0, pair.Drafter.HeldBlocks);
    }

    [Fact]
    public async Task A_long_prompt_is_caught_up_with_in_several_turns_before_the_first_guess()
    {
        await using var pair = new Pair(draftRows: 40);
        NoEnd(pair);
        await pair.Engine.RunAsync(Endless(pair.Engine, 60), EngineHarness.Prompt(150));
        var statistics = await pair.CheckIntegrityAsync();

        // Four turns of 40, 40, 40 and 33 rows: the first three steps have no draft.
        Assert.Equal(statistics.DraftTokens, statistics.AcceptedDraftTokens);
        Assert.InRange(statistics.DraftTokens, 60 - 10, 60 - 4);
    }

    [Fact]
    public async Task Blocks_that_it_computed_are_found_by_the_next_request_with_the_same_beginning()
    {
        await using var pair = new Pair();
        NoEnd(pair);
        await pair.Engine.RunAsync(Endless(pair.Engine, 3), EngineHarness.Prompt(100));
        var first = pair.DraftRows;
        await pair.Engine.RunAsync(Endless(pair.Engine, 3), EngineHarness.Prompt(100));
        Assert.InRange(first, 101, 104);
        Assert.InRange(pair.DraftRows - first, 5, 8);
        await pair.Engine.RunAsync(Endless(pair.Engine, 3) with { AccountId = "other" }, EngineHarness.Prompt(100));
        Assert.InRange(pair.DraftRows - first, 106, 112);
    }

    [Fact]
    public async Task Without_blocks_or_beyond_its_context_it_does_not_guess()
    {
        await using var small = new Pair(draftBlocks: 2);
        NoEnd(small);
        await small.Engine.RunAsync(Endless(small.Engine, 30), EngineHarness.Prompt(40));
        Assert.Equal(0, (await small.CheckIntegrityAsync()).DraftTokens);

        await using var shortened = new Pair(draftContext: 60);
        NoEnd(shortened);
        await shortened.Engine.RunAsync(Endless(shortened.Engine, 40), EngineHarness.Prompt(40));
        var statistics = await shortened.CheckIntegrityAsync();
        Assert.Equal(statistics.DraftTokens, statistics.AcceptedDraftTokens);
        Assert.InRange(statistics.DraftTokens, 15, 21);
    }

    [Fact]
    public async Task A_bias_on_a_token_that_it_does_not_have_is_no_fault()
    {
        await using var pair = new Pair(draftVocabulary: Vocabulary - 20);
        NoEnd(pair);
        var noEnd = pair.Engine.Model.Head.Adjust;
        pair.Engine.Model.Head.Adjust = (hash, logits) =>
        {
            noEnd(hash, logits);
            logits.AsSpan(Vocabulary - 20).Fill(-100);
        };
        var biased = new SamplingParams { Temperature = 0, LogitBias = new Dictionary<int, float> { [Vocabulary - 1] = 1 }, RepetitionPenalty = 1.1f };
        await pair.Engine.RunAsync(Endless(pair.Engine, 60, biased), EngineHarness.Prompt(10));
        Assert.InRange((await pair.CheckIntegrityAsync()).AcceptedDraftTokens, 50, 60);
    }
}
