using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Stages;

public sealed class PipelineTests
{
    private static readonly TinyModelOptions Options = TinyModelOptions.Llama with { LayerCount = 4, Seed = 3 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_model_split_over_two_stages_gives_the_same_bits(int cut)
    {
        using var model = new LoadedModel(Options);
        using var whole = model.CreatePipeline();
        using var split = model.CreatePipeline(cuts: cut);

        Assert.Equal(await GenerateAsync(whole, 12), await GenerateAsync(split, 12));
    }

    [Fact]
    public async Task The_number_of_threads_does_not_change_a_bit()
    {
        using var one = new LoadedModel(Options, threads: 1);
        using var three = new LoadedModel(Options, threads: 3);
        using var alone = one.CreatePipeline();
        using var shared = three.CreatePipeline();

        Assert.Equal(await GenerateAsync(alone, 12), await GenerateAsync(shared, 12));
    }

    [Fact]
    public async Task Logits_of_many_rows_are_those_of_each_row()
    {
        using var model = new LoadedModel(Options);
        using var pipeline = model.CreatePipeline();
        var tokens = Enumerable.Range(5, 40).ToArray();
        var batch = Prompt(tokens.Length);
        var all = new float[tokens.Length * pipeline.VocabularySize];
        await pipeline.ForwardAsync(batch, tokens, Enumerable.Range(0, tokens.Length).ToArray(), all, CancellationToken.None);

        foreach (var row in (int[])[0, 17, 39])
        {
            var one = new float[pipeline.VocabularySize];
            await pipeline.ForwardAsync(batch, tokens, new[] { row }, one, CancellationToken.None);
            Assert.Equal(all[(row * one.Length)..((row + 1) * one.Length)], one);
        }
    }

    [Fact]
    public async Task A_cancelled_call_throws()
    {
        using var model = new LoadedModel(Options);
        using var pipeline = model.CreatePipeline();
        using var source = new CancellationTokenSource();
        source.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await pipeline.ForwardAsync(Prompt(2), new[] { 1, 2 }, Array.Empty<int>(), Array.Empty<float>(), source.Token));
    }

    [Fact]
    public async Task A_token_outside_the_vocabulary_is_refused()
    {
        using var model = new LoadedModel(Options);
        using var pipeline = model.CreatePipeline();

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await pipeline.ForwardAsync(
            Prompt(1), new[] { Options.VocabularySize }, Array.Empty<int>(), Array.Empty<float>(), CancellationToken.None));
    }

    [Fact]
    public void Stages_that_leave_a_layer_out_are_refused()
    {
        using var model = new LoadedModel(Options);
        using var head = model.Model.CreateHead(maxRows: 8);
        using var first = model.CreateStage(new LayerRange(0, 1));
        using var third = model.CreateStage(new LayerRange(2, 2));

        Assert.Throws<ArgumentException>(() => new Pipeline(head, [first, third], maxRows: 8));
    }

    /// <summary>A prompt of a few tokens and a greedy continuation; the logits of every step.</summary>
    private static async Task<float[]> GenerateAsync(Pipeline pipeline, int count)
    {
        int[] blocks = [3, 1];
        int[] tokens = [7, 200, 31, 8, 99];
        var all = new List<float>();
        var logits = new float[pipeline.VocabularySize];
        var position = 0;
        for (var i = 0; i < count; i++)
        {
            var kind = i == 0 ? SliceKind.Prefill : SliceKind.Decode;
            var batch = new Batch(i, [new BatchSlice(1, kind, 0, tokens.Length, position, blocks)]);
            await pipeline.ForwardAsync(batch, tokens, new[] { tokens.Length - 1 }, logits, CancellationToken.None);
            all.AddRange(logits);
            position += tokens.Length;
            tokens = [Array.IndexOf(logits, logits.Max())];
        }
        return [.. all];
    }

    private static Batch Prompt(int rows) => new(0, [new BatchSlice(1, SliceKind.Prefill, 0, rows, 0, new[] { 0, 1, 2 })]);
}
