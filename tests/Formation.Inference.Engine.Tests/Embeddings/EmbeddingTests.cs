using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Embeddings;

/// <summary>Vectors of a real model with its real kernels, against <see cref="PlainDecoder"/> and against themselves.</summary>
public sealed class EmbeddingTests
{
    const string Text = "What is it that the world is made of, as far as anybody can tell?";
    const int Context = 192;

    static async Task<InputEmbedding[]> EmbedAsync(TinyServer server, EmbeddingRequest request)
    {
        var outcome = await server.EmbedAsync(request, TestContext.Current.CancellationToken);
        Assert.Null(outcome.Error);
        Assert.Equal(0, (await server.CheckIntegrityAsync()).HeldBlocks);
        return [.. outcome.Value!.Inputs];
    }

    static async Task<GenerationError> RefuseAsync(TinyServer server, EmbeddingRequest request)
    {
        var outcome = await server.EmbedAsync(request, TestContext.Current.CancellationToken);
        Assert.Null(outcome.Value);
        return outcome.Error!;
    }

    static double[][] Plain(TinyServer server, int[] tokens)
    {
        using var file = GgufFile.Open(server.ModelPath);
        return new PlainDecoder(file).Hidden(tokens);
    }

    static double[] Unit(double[] vector)
    {
        var length = Math.Sqrt(vector.Sum(value => value * value));
        return [.. vector.Select(value => value / length)];
    }

    static void AreClose(double[] expected, ReadOnlyMemory<float> actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(actual.Span[i], expected[i] - tolerance, expected[i] + tolerance);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(3u)]
    public async Task A_vector_is_pooled_as_the_file_says(uint? pooling)
    {
        await using var server = new TinyServer(TinyServer.Small with { PoolingType = pooling }, contextLength: Context, kvFormat: KvFormat.F32);
        var rows = Plain(server, await server.PromptAsync(Text));
        var pooled = pooling switch
        {
            2 => rows[0],
            3 => rows[^1],
            _ => [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Average(row => row[i]))],
        };

        var vector = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text)));
        Assert.Equal((rows.Length, 64, 1), (vector.TokenCount, vector.Width, vector.VectorCount));
        AreClose(Unit(pooled), vector.Vector());

        var plain = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text) with { Normalize = false }));
        AreClose(pooled, plain.Vector(), 1e-4);
        var cut = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text) with { Dimensions = 7 }));
        AreClose(Unit(pooled[..7]), cut.Vector());
    }

    [Fact]
    public async Task Each_token_has_the_vector_that_the_last_norm_gives()
    {
        await using var server = new TinyServer(contextLength: Context, kvFormat: KvFormat.F32);
        var rows = Plain(server, await server.PromptAsync(Text));
        var vectors = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text) with { Kind = EmbeddingKind.Token, Normalize = false }));
        Assert.Equal((rows.Length, rows.Length), (vectors.TokenCount, vectors.VectorCount));
        for (var i = 0; i < rows.Length; i++)
            AreClose(rows[i], vectors.Vector(i), 1e-4);
        var units = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text) with { Kind = EmbeddingKind.Token, Dimensions = 9 }));
        for (var i = 0; i < rows.Length; i++)
            AreClose(Unit(rows[i][..9]), units.Vector(i));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(3u)]
    public async Task A_vector_is_bit_for_bit_the_same_alone_among_others_in_any_chunks_from_the_cache_and_after_preemption(uint? pooling)
    {
        var shape = TinyServer.Small with { PoolingType = pooling };
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => string.Concat(Enumerable.Repeat($"{Text} {i} ", i % 3 + 1)))];
        var alone = new List<float[]>();
        foreach (var text in texts)
        {
            await using var server = new TinyServer(shape, contextLength: Context);
            alone.Add(Assert.Single(await EmbedAsync(server, TinyServer.Embedding(text))).Values);
        }

        await using (var server = new TinyServer(shape, contextLength: Context))
        {
            Assert.Equal(alone, (await EmbedAsync(server, TinyServer.Embedding(texts))).Select(input => input.Values));
            Assert.Equal(alone, (await EmbedAsync(server, TinyServer.Embedding(texts))).Select(input => input.Values));
        }

        foreach (var chunk in (int[])[1, 5, 33])
        {
            await using var server = new TinyServer(shape, new SchedulerOptions { MaxPrefillTokens = chunk }, contextLength: Context);
            Assert.Equal(alone.Take(6), (await EmbedAsync(server, TinyServer.Embedding(texts[..6]))).Select(input => input.Values));
        }

        await using var crowded = new TinyServer(
            shape, new SchedulerOptions { MaxPrefillTokens = 24, MaxPrefillTokensBesideDecode = 16 }, contextLength: 256, fewestBlocks: true);
        for (var attempt = 0; (await crowded.CheckIntegrityAsync()).Preemptions == 0; attempt++)
        {
            Assert.True(attempt < 20, "no sequence was preempted, so nothing was tested");
            var older = Enumerable.Range(0, 4).Select(i => crowded.RunAsync(TinyServer.Request($"{attempt} {i}", maxTokens: 150) with
            {
                Stop = new StopConditions { MaxTokens = 150, IgnoreEndOfGeneration = true },
            })).ToList();
            var outcome = await crowded.EmbedAsync(TinyServer.Embedding(texts[..10]), TestContext.Current.CancellationToken);
            Assert.Equal(alone.Take(10), outcome.Value!.Inputs.Select(input => input.Values));
            await Task.WhenAll(older);
        }
    }

    [Fact]
    public async Task Token_ids_are_used_as_they_are()
    {
        await using var server = new TinyServer(contextLength: Context);
        var tokens = await server.PromptAsync(Text);
        var text = Assert.Single(await EmbedAsync(server, TinyServer.Embedding(Text)));
        var ids = Assert.Single(await EmbedAsync(server, TinyServer.Embedding() with { Inputs = [new TokenPrompt(tokens)] }));
        Assert.Equal(text.Values, ids.Values);
        var fewer = Assert.Single(await EmbedAsync(server, TinyServer.Embedding() with { Inputs = [new TokenPrompt(tokens[1..])] }));
        Assert.Equal(tokens.Length - 1, fewer.TokenCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_end_token_stands_behind_a_text_where_the_file_asks_for_it_also_behind_one_that_is_cut(bool addEos)
    {
        await using var server = new TinyServer(TinyServer.Small with { PoolingType = 3, AddEos = addEos }, contextLength: 32);
        using var file = GgufFile.Open(server.ModelPath);
        var tokenizer = Tokenizer.FromGguf(file.Metadata);
        var (lease, _) = await server.Pool.AcquireAsync(TinyServer.ModelId, CancellationToken.None);
        using (lease)
        {
            var encoder = lease!.Model.Inputs;
            var eos = new TinyVocabulary(TinyServer.Small.VocabularySize).EosId;
            var whole = encoder.Encode(TinyServer.Embedding("Hello"), CancellationToken.None).Inputs[0];
            Assert.Equal(addEos, whole[^1] == eos);

            var text = string.Join(' ', Enumerable.Range(0, 60));
            var end = encoder.Encode(TinyServer.Embedding(text) with { Truncation = InputTruncation.End }, CancellationToken.None).Inputs[0];
            var beginning = encoder.Encode(TinyServer.Embedding(text) with { Truncation = InputTruncation.Beginning }, CancellationToken.None).Inputs[0];
            Assert.Equal((32, 32), (end.Length, beginning.Length));
            Assert.Equal((addEos, addEos), (end[^1] == eos, beginning[^1] == eos));
            Assert.Equal((whole[0], whole[0]), (end[0], beginning[0]));
            Assert.NotEqual(end[5], beginning[5]);
            Assert.Equal("0 1 2", tokenizer.Decode(end.AsSpan(1, 5))[..5]);
            Assert.EndsWith("59", tokenizer.Decode(beginning.AsSpan(1)));
        }
    }

    [Fact]
    public async Task A_token_list_that_is_too_long_is_cut_where_that_is_asked_for()
    {
        await using var server = new TinyServer(contextLength: 32);
        var request = TinyServer.Embedding() with { Inputs = [new TokenPrompt([.. Enumerable.Range(0, 40)])] };
        var first = Assert.Single(await EmbedAsync(server, request with { Truncation = InputTruncation.End }));
        var last = Assert.Single(await EmbedAsync(server, request with { Truncation = InputTruncation.Beginning }));
        Assert.Equal((32, 32), (first.TokenCount, last.TokenCount));
        var expected = await EmbedAsync(server, request with
        {
            Inputs = [new TokenPrompt([.. Enumerable.Range(0, 32)]), new TokenPrompt([.. Enumerable.Range(8, 32)])],
        });
        Assert.Equal([first.Values, last.Values], expected.Select(input => input.Values));
    }

    [Fact]
    public async Task What_does_not_fit_the_model_is_refused_by_name()
    {
        await using var server = new TinyServer(contextLength: Context);
        var tooLong = await RefuseAsync(server, TinyServer.Embedding("short", string.Join(' ', Enumerable.Range(0, 300))));
        Assert.Equal((GenerationErrorKind.ContextLengthExceeded, "Inputs"), (tooLong.Kind, tooLong.Parameter));
        Assert.StartsWith("Input 1 has ", tooLong.Message);
        Assert.Contains("192", tooLong.Message);

        var outside = await RefuseAsync(server, TinyServer.Embedding() with { Inputs = [new TokenPrompt([1, 512])] });
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Inputs"), (outside.Kind, outside.Parameter));
        Assert.Contains("512", outside.Message);

        var empty = await RefuseAsync(server, TinyServer.Embedding() with { Inputs = [new TokenPrompt([])] });
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Inputs"), (empty.Kind, empty.Parameter));

        var wide = await RefuseAsync(server, TinyServer.Embedding("x") with { Dimensions = 65 });
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Dimensions"), (wide.Kind, wide.Parameter));
        Assert.Contains("64", wide.Message);

        var many = await RefuseAsync(server, TinyServer.Embedding() with
        {
            Inputs = [.. Enumerable.Repeat(new TokenPrompt(new int[Context]), EmbeddingRequest.MaxTokens / Context + 1)],
        });
        Assert.Contains("300000", many.Message);

        var unknown = await RefuseAsync(server, TinyServer.Embedding("x") with { ModelId = "no-such-model" });
        Assert.Equal(GenerationErrorKind.ModelNotFound, unknown.Kind);
    }

    [Fact]
    public async Task More_values_than_an_answer_may_have_are_refused_before_anything_is_computed()
    {
        await using var server = new TinyServer(contextLength: Context);
        var request = TinyServer.Embedding() with
        {
            Inputs = [.. Enumerable.Repeat(new TokenPrompt(new int[Context]), EmbeddingRequest.MaxValues / 64 / Context + 1)],
            Kind = EmbeddingKind.Token,
        };
        var error = await RefuseAsync(server, request);
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Inputs"), (error.Kind, error.Parameter));
        Assert.Contains("16777216", error.Message);
    }

    [Fact]
    public async Task Vectors_of_all_requests_together_have_a_limit_and_give_their_room_back()
    {
        await using var server = new TinyServer(contextLength: Context);
        var backend = new LocalBackend(server.Pool, maxConcurrentPrompts: 1) { MaxVectorValues = 100 };
        for (var i = 0; i < 3; i++)
        {
            Assert.Null((await backend.EmbedAsync(TinyServer.Embedding("one"), TestContext.Current.CancellationToken)).Error);
            var error = (await backend.EmbedAsync(TinyServer.Embedding("one", "two"), TestContext.Current.CancellationToken)).Error!;
            Assert.Equal(GenerationErrorKind.QueueFull, error.Kind);
            Assert.NotNull(error.RetryAfter);
        }
    }

    [Theory]
    [InlineData(4u, "reranker")]
    [InlineData(9u, "pooling")]
    public async Task A_model_that_makes_no_vectors_says_so_and_generates_as_any_other(uint pooling, string reason)
    {
        await using var server = new TinyServer(TinyServer.Small with { PoolingType = pooling }, contextLength: Context);
        var error = await RefuseAsync(server, TinyServer.Embedding(Text));
        Assert.Equal((GenerationErrorKind.InvalidRequest, "ModelId"), (error.Kind, error.Parameter));
        Assert.Contains(reason, error.Message);
        Assert.Null(server.Pool.Find(TinyServer.ModelId)!.Embedding);
        Assert.Null((await server.RunAsync(TinyServer.Request(Text, 4))).Error);
    }

    [Fact]
    public async Task The_catalogue_tells_width_and_longest_input_when_they_are_known()
    {
        await using var server = new TinyServer(contextLength: Context);
        Assert.Null(server.Pool.Find(TinyServer.ModelId)!.Embedding);
        await EmbedAsync(server, TinyServer.Embedding(Text));
        Assert.Equal(new EmbeddingTraits(64, Context), server.Pool.Find(TinyServer.ModelId)!.Embedding);
    }

    [Fact]
    public async Task Text_of_an_input_and_values_of_a_vector_stay_out_of_what_records_show()
    {
        await using var server = new TinyServer(contextLength: Context);
        var request = TinyServer.Embedding(Text);
        Assert.DoesNotContain("world", request.Inputs[0].ToString());
        Assert.Equal("[1 x 64]", Assert.Single(await EmbedAsync(server, request)).ToString());
    }
}
