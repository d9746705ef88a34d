using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Embeddings;

/// <summary>Inputs among the engine's other work, on an invented model: a row that is missing, twice, or another's changes a vector.</summary>
public sealed class EmbeddingSchedulingTests
{
    static readonly SchedulerOptions Small = new() { MaxRunningSequences = 12, MaxPrefillTokens = 16, MaxPrefillTokensBesideDecode = 8 };

    static int[] Prompt(int length, int salt = 0) => EngineHarness.Prompt(length, salt);

    static float[] Mean(EngineHarness harness, int[] input)
    {
        var rows = harness.Model.Hidden(input);
        return [.. Enumerable.Range(0, rows[0].Length).Select(i => (float)(rows.Sum(row => (double)row[i]) / rows.Count))];
    }

    static void AreMeans(EngineHarness harness, int[][] inputs, Outcome<EmbeddingAnswer> outcome)
    {
        Assert.Null(outcome.Error);
        Assert.Equal(inputs.Select(input => Mean(harness, input)), outcome.Value!.Inputs.Select(input => input.Values));
        Assert.Equal(inputs.Select(input => input.Length), outcome.Value.Inputs.Select(input => input.TokenCount));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Vectors_are_right_beside_generations_with_a_stage_lost_again_and_again(int depth)
    {
        var stage = new DistantStage(48, depth);
        var batches = 0;
        stage.BeforeForward = _ =>
        {
            if (Interlocked.Increment(ref batches) % 13 == 0)
                stage.Lose();
            return Task.CompletedTask;
        };
        await using var harness = new EngineHarness(Small, blocks: 48, stage: stage);
        int[][] inputs = [.. Enumerable.Range(0, 30).Select(i => Prompt(1 + 11 * (i % 9), i))];
        var embedding = harness.EmbedAsync(inputs);
        var generations = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => harness.RunAsync(harness.Request(30), Prompt(20, i))));
        AreMeans(harness, inputs, await embedding);
        for (var i = 0; i < generations.Length; i++)
            Assert.Equal(harness.Expected(Prompt(20, i), 30), EngineHarness.TokensOf(generations[i]));
        Assert.True(stage.Recoveries > 2);
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public async Task Inputs_are_worked_on_together_and_never_more_than_half_of_the_sequences_that_may_run()
    {
        await using var harness = new EngineHarness(Small);
        var most = 0;
        var before = harness.Model.Stage.BeforeForward;
        harness.Model.Stage.BeforeForward = (batch, cancellation) =>
        {
            most = Math.Max(most, batch.Slices.Count);
            before(batch, cancellation);
        };
        int[][] inputs = [.. Enumerable.Range(0, 100).Select(i => Prompt(2, i))];
        AreMeans(harness, inputs, await harness.EmbedAsync(inputs));
        Assert.Equal(6, most);
    }

    [Fact]
    public async Task A_generation_of_the_same_account_does_not_wait_for_all_inputs_that_came_before_it()
    {
        await using var harness = new EngineHarness(Small);
        harness.Pause();
        using var rest = new ManualResetEventSlim();
        var before = harness.Model.Stage.BeforeForward;
        harness.Model.Stage.BeforeForward = (batch, cancellation) =>
        {
            before(batch, cancellation);
            if (harness.Model.Stage.ComputedRows > 100 * 16)
                rest.Wait(cancellation);
        };
        var embedding = harness.EmbedAsync([.. Enumerable.Range(0, 200).Select(i => Prompt(16, i))]);
        await Eventually.TrueAsync(() => harness.Engine.QueuedRequests == 0);
        var generation = harness.RunAsync(harness.Request(2), Prompt(8));
        harness.Resume();
        // The second half of the inputs begins only when the generation has ended.
        await Eventually.TrueAsync(() => generation.IsCompleted);
        Assert.False(embedding.IsCompleted);
        rest.Set();
        Assert.Null((await embedding).Error);
    }

    [Fact]
    public async Task A_request_takes_one_place_in_the_queue_however_many_inputs_it_has()
    {
        await using var harness = new EngineHarness(Small, maxQueued: 2);
        harness.Pause();
        var running = harness.RunAsync(harness.Request(2), Prompt(8));
        await Eventually.TrueAsync(() => harness.Engine.QueuedRequests == 0);
        Task<Outcome<EmbeddingAnswer>>[] waiting =
        [
            .. Enumerable.Range(0, 2).Select(i => harness.EmbedAsync([.. Enumerable.Range(0, 50).Select(j => Prompt(4, 50 * i + j))])),
        ];
        Assert.Equal(GenerationErrorKind.QueueFull, (await harness.EmbedAsync([Prompt(4)])).Error!.Kind);
        harness.Resume();
        foreach (var embedding in waiting)
            Assert.Null((await embedding).Error);
        await running;
    }

    [Fact]
    public async Task A_mean_computes_every_row_and_the_last_row_alone_is_found_in_the_cache()
    {
        foreach (var (pooling, kind, computed) in ((Pooling, EmbeddingKind, int)[])
            [(Pooling.Mean, EmbeddingKind.Input, 40), (Pooling.First, EmbeddingKind.Input, 40), (Pooling.Last, EmbeddingKind.Input, 8), (Pooling.Last, EmbeddingKind.Token, 40)])
        {
            await using var harness = new EngineHarness(Small, pooling: pooling);
            var first = await harness.EmbedAsync([Prompt(40)], request => request with { Kind = kind });
            var rows = harness.Model.Stage.ComputedRows;
            var again = await harness.EmbedAsync([Prompt(40)], request => request with { Kind = kind });
            Assert.Equal(computed, harness.Model.Stage.ComputedRows - rows);
            Assert.Equal(first.Value!.Inputs[0].Values, again.Value!.Inputs[0].Values);
            var hidden = harness.Model.Hidden(Prompt(40));
            var expected = (kind, pooling) switch
            {
                (EmbeddingKind.Token, _) => hidden.SelectMany(row => row),
                (_, Pooling.Mean) => Mean(harness, Prompt(40)),
                (_, Pooling.First) => hidden[0],
                _ => hidden[^1],
            };
            Assert.Equal(expected, again.Value.Inputs[0].Values);
        }
    }

    [Fact]
    public async Task A_request_that_is_cancelled_leaves_nothing_behind()
    {
        await using var harness = new EngineHarness(Small);
        harness.Pause();
        var request = new EmbeddingRequest { RequestId = "r", ModelId = "invented", AccountId = "account", Inputs = [new TokenPrompt([1])] };
        var generation = harness.Engine.Submit(request, [.. Enumerable.Range(0, 200).Select(i => Prompt(30, i))]);
        await Eventually.TrueAsync(() => harness.Engine.QueuedRequests == 0);
        generation.Cancel();
        harness.Resume();
        await Eventually.TrueAsync(async () =>
            await harness.Engine.CheckIntegrityAsync() is { RunningSequences: 0, WaitingSequences: 0, HeldBlocks: 0 });
        Assert.Equal(0, harness.Engine.QueuedRequests);
        AreMeans(harness, [Prompt(9)], await harness.EmbedAsync([Prompt(9)]));
    }

    [Fact]
    public async Task A_step_that_fails_fails_the_whole_request_once_and_nobody_elses()
    {
        await using var harness = new EngineHarness(Small);
        harness.Model.Stage.BeforeForward = (batch, _) =>
        {
            if (batch.Slices.Any(slice => slice.SequenceId == 3))
                throw new InvalidOperationException("faulty");
        };
        var outcome = await harness.EmbedAsync([.. Enumerable.Range(0, 40).Select(i => Prompt(16, i))]);
        Assert.Equal(GenerationErrorKind.Internal, outcome.Error!.Kind);
        AreMeans(harness, [Prompt(9)], await harness.EmbedAsync([Prompt(9)]));
        Assert.Equal(0, (await harness.Engine.CheckIntegrityAsync()).HeldBlocks);
    }

    [Fact]
    public void A_row_that_is_not_finite_makes_no_vector()
    {
        var request = new EmbeddingRequest { RequestId = "r", ModelId = "m", AccountId = "a", Inputs = [] };
        foreach (var kind in Enum.GetValues<EmbeddingKind>())
            foreach (var value in (float[])[float.NaN, float.PositiveInfinity])
            {
                var pooler = new InputPooler(request with { Kind = kind }, Pooling.Mean, length: 2, width: 2);
                pooler.Add(0, [1, 2]);
                pooler.Add(1, [value, 2]);
                Assert.False(pooler.TryFinish(out _));
            }
    }

    [Fact]
    public void A_vector_of_zeros_stays_one()
    {
        var request = new EmbeddingRequest { RequestId = "r", ModelId = "m", AccountId = "a", Inputs = [] };
        var pooler = new InputPooler(request, Pooling.Mean, length: 1, width: 3);
        pooler.Add(0, [0, 0, 0]);
        Assert.True(pooler.TryFinish(out var vector));
        Assert.Equal([0, 0, 0], vector);
    }
}
