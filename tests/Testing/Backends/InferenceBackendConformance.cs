using Formation.Inference.Testing.Fakes;
using Xunit;

namespace Formation.Inference.Testing.Backends;

/// <summary>What every <see cref="IInferenceBackend"/> promises, asked of one that serves a tiny model of 192 positions.</summary>
public abstract class InferenceBackendConformance
{
    const string Text = "What is it that the world is made of?";

    protected abstract IInferenceBackend Backend { get; }

    /// <summary>A model that the backend serves.</summary>
    protected abstract string ModelId { get; }

    /// <summary>Waits until nothing is held for any request.</summary>
    protected abstract Task BecomesIdleAsync();

    protected GenerationRequest Request(int maxTokens = 24) => new()
    {
        RequestId = "request",
        ModelId = ModelId,
        AccountId = "account",
        Prompt = new TextPrompt(Text),
        Sampling = new SamplingParams { Seed = 5 },
        Stop = new StopConditions { MaxTokens = maxTokens, IgnoreEndOfGeneration = true },
    };

    Task<CollectedGeneration> RunAsync(GenerationRequest request) =>
        CollectedGeneration.FromAsync(Backend.GenerateAsync(request, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_stream_begins_once_ends_each_choice_once_and_says_nothing_behind_an_end()
    {
        var generation = await RunAsync(Request() with { Choices = 3 });
        Assert.Null(generation.Error);
        Assert.Single(generation.Events.OfType<GenerationStarted>());
        Assert.IsType<GenerationStarted>(generation.Events[0]);
        for (var choice = 0; choice < 3; choice++)
        {
            var finished = generation.Finished(choice);
            Assert.Equal((FinishReason.Length, 24), (finished.Reason, finished.CompletionTokens));
            Assert.NotEmpty(generation.Text(choice));
            Assert.DoesNotContain(
                generation.Events.SkipWhile(next => next != finished), next => next is GenerationDelta delta && delta.Choice == choice);
        }

        await BecomesIdleAsync();
    }

    [Fact]
    public async Task A_seed_makes_a_request_repeatable_and_choices_differ()
    {
        var request = Request() with { Choices = 2 };
        var (first, again) = (await RunAsync(request), await RunAsync(request));
        Assert.Equal([first.Text(0), first.Text(1)], [again.Text(0), again.Text(1)]);
        Assert.NotEqual(first.Text(0), first.Text(1));
    }

    [Fact]
    public async Task Log_probabilities_and_echo_come_where_they_are_asked_for_with_the_ids_of_all_tokens()
    {
        var generation = await RunAsync(Request() with { Logprobs = new LogprobOptions(3), EchoPrompt = true });
        Assert.Equal(Text, generation.Echo());
        Assert.Equal(generation.PromptTokens, generation.EchoTokens().Count);
        Assert.Null(generation.EchoTokens()[0].Logprob);
        Assert.Equal(24, generation.Tokens().Count);
        Assert.All(generation.Tokens(), token => Assert.Equal(3, token.Top.Count));
        Assert.Equal(
            generation.Tokens().Select(token => token.TokenId),
            generation.Events.OfType<GenerationDelta>().Where(delta => !delta.IsEcho).SelectMany(delta => delta.TokenIds));
    }

    [Fact]
    public async Task A_stop_string_ends_a_choice_and_is_named()
    {
        var whole = (await RunAsync(Request(60))).Text();
        var stop = whole.Substring(whole.Length / 2, 2);
        var generation = await RunAsync(Request(60) with { Stop = Request(60).Stop with { Strings = [stop] } });
        Assert.Equal((FinishReason.Stop, stop), (generation.Finished().Reason, generation.Finished().StopString));
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], generation.Text());
    }

    [Fact]
    public async Task A_conversation_is_answered()
    {
        var generation = await RunAsync(Request() with { Prompt = new ChatPrompt([new ChatMessage("user", "Hi"), new ChatMessage("assistant", "Ho")]) });
        Assert.Null(generation.Error);
        Assert.NotEmpty(generation.Text());
    }

    [Fact]
    public async Task A_request_for_no_choices_only_counts_the_prompt_also_one_beyond_the_context()
    {
        var counted = await RunAsync(Request() with { Choices = 0 });
        Assert.Equal((await RunAsync(Request(1))).PromptTokens, Assert.IsType<GenerationStarted>(Assert.Single(counted.Events)).PromptTokens);
        var longer = await RunAsync(Request() with { Choices = 0, Prompt = new TokenPrompt(new int[2 * 192]) });
        Assert.Equal(2 * 192, Assert.IsType<GenerationStarted>(Assert.Single(longer.Events)).PromptTokens);
        var tooLong = await RunAsync(Request() with { Choices = 0, Prompt = new TokenPrompt(new int[2 * 192 + 1]) });
        Assert.Equal((GenerationErrorKind.ContextLengthExceeded, "Prompt"), (tooLong.Error!.Kind, tooLong.Error.Parameter));
        await BecomesIdleAsync();
    }

    [Fact]
    public async Task A_prompt_is_shown_as_the_model_reads_it_without_being_computed()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var shown = (await Backend.TokenizeAsync(Request(), cancellationToken)).Value!;
        Assert.Equal(Text, shown.Text.Value);
        Assert.Equal((await RunAsync(Request(1))).PromptTokens, shown.Tokens.Count);
        Assert.Equal(Text, string.Concat(shown.Tokens.Select(token => Text[token.Start..token.Stop])));
        Assert.All(shown.Tokens.Where(token => token.IsSpecial), token => Assert.Equal(token.Start, token.Stop));

        // The same tokens, and what a template writes; then the names of control tokens stand in the text.
        var again = (await Backend.TokenizeAsync(Request() with { Prompt = new TokenPrompt([.. shown.Tokens.Select(token => token.Id)]) }, cancellationToken)).Value!;
        Assert.Equal(shown.Tokens.Select(token => token.Id), again.Tokens.Select(token => token.Id));
        Assert.EndsWith(Text, again.Text.Value);
        var chat = (await Backend.TokenizeAsync(Request() with { Prompt = new ChatPrompt([new ChatMessage("user", Text)]) }, cancellationToken)).Value!;
        Assert.Contains(Text, chat.Text.Value);
        Assert.Equal(chat.Text.Value.Length, chat.Tokens[^1].Stop);
        var tooLong = await Backend.TokenizeAsync(Request() with { Prompt = new TokenPrompt(new int[2 * 192 + 1]) }, cancellationToken);
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, tooLong.Error!.Kind);
        await BecomesIdleAsync();
    }

    [Fact]
    public async Task With_log_probabilities_every_token_is_told_also_those_that_end_a_choice()
    {
        var request = Request(60) with { Logprobs = new LogprobOptions(1) };
        var whole = await RunAsync(request);
        var stop = whole.Text()[10..13];
        var stopped = await RunAsync(request with { Stop = request.Stop with { Strings = [stop] } });
        TokenLogprob[] told = [.. stopped.Tokens(), .. stopped.Finished().EndTokens];
        Assert.Equal(stop, stopped.Finished().StopString);
        Assert.Equal(stopped.Finished().CompletionTokens, told.Length);
        Assert.Equal(whole.Tokens().Take(told.Length).Select(token => token.TokenId), told.Select(token => token.TokenId));
        Assert.Empty(whole.Finished().EndTokens);
        Assert.Empty((await RunAsync(request with { Logprobs = null, Stop = request.Stop with { Strings = [stop] } })).Finished().EndTokens);
    }

    [Fact]
    public async Task The_beginning_of_an_answer_is_part_of_the_prompt_and_not_of_the_answer()
    {
        var open = Request() with { Prompt = new ChatPrompt([new ChatMessage("user", "Hi")]) };
        var begun = open with { Prompt = new ChatPrompt([new ChatMessage("user", "Hi")]) { AssistantPrefix = "Once upon a time" } };
        var (without, with) = (await RunAsync(open), await RunAsync(begun));
        Assert.True(with.PromptTokens > without.PromptTokens);
        Assert.Equal(24, with.Finished().CompletionTokens);
        Assert.NotEqual(without.Text(), with.Text());
    }

    [Fact]
    public async Task A_model_that_does_not_exist_is_said_to_not_exist()
    {
        var generation = await RunAsync(Request() with { ModelId = "no-such-model" });
        Assert.Equal(GenerationErrorKind.ModelNotFound, generation.Error!.Kind);
        Assert.Single(generation.Events);
    }

    [Fact]
    public async Task What_does_not_fit_the_model_is_answered_with_what_is_at_fault()
    {
        var outside = await RunAsync(Request() with { Prompt = new TokenPrompt([1, 1_000_000]) });
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Prompt"), (outside.Error!.Kind, outside.Error.Parameter));
        Assert.Single(outside.Events);
        var tooLong = await RunAsync(Request(100_000));
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, tooLong.Error!.Kind);
        Assert.Contains("100000", tooLong.Error.Message);
    }

    [Fact]
    public async Task Cancelling_ends_the_enumeration_and_frees_what_the_request_held()
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var next in Backend.GenerateAsync(Request(150), cancellation.Token))
                if (next is GenerationDelta)
                    cancellation.Cancel();
        });
        await BecomesIdleAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Backend.GenerateAsync(Request(), cancellation.Token))
            {
            }
        });
    }

    [Fact]
    public async Task Who_stops_reading_frees_what_the_request_held()
    {
        await foreach (var next in Backend.GenerateAsync(Request(150), TestContext.Current.CancellationToken))
            if (next is GenerationDelta)
                break;
        await BecomesIdleAsync();
    }

    EmbeddingRequest Embedding(params string[] texts) => new()
    {
        RequestId = "request",
        ModelId = ModelId,
        AccountId = "account",
        Inputs = [.. texts.Select(text => new TextPrompt(text))],
    };

    async Task<IReadOnlyList<InputEmbedding>> EmbedAsync(EmbeddingRequest request)
    {
        var outcome = await Backend.EmbedAsync(request, TestContext.Current.CancellationToken);
        Assert.Null(outcome.Error);
        return outcome.Value!.Inputs;
    }

    [Fact]
    public async Task Each_input_gets_its_vector_of_length_one_whatever_stands_beside_it()
    {
        string[] texts = [.. Enumerable.Range(0, 70).Select(i => string.Concat(Enumerable.Repeat($"{Text} {i} ", i % 4 + 1)))];
        var together = await EmbedAsync(Embedding(texts));
        Assert.Equal(texts.Length, together.Count);
        foreach (var i in (int[])[0, 3, 69])
            Assert.Equal(Assert.Single(await EmbedAsync(Embedding(texts[i]))).Values, together[i].Values);
        Assert.All(together, input =>
        {
            Assert.Equal((64, 1), (input.Width, input.VectorCount));
            Assert.InRange(input.Values.Sum(value => (double)value * value), 1 - 1e-6, 1 + 1e-6);
        });
        Assert.Equal((await RunAsync(Request(1) with { Prompt = new TextPrompt(texts[3]) })).PromptTokens, together[3].TokenCount);
        await BecomesIdleAsync();
    }

    [Fact]
    public async Task Vectors_of_tokens_and_their_beginnings_come_where_they_are_asked_for()
    {
        var request = Embedding() with { Inputs = [new TokenPrompt([.. Enumerable.Range(0, 150)]), new TokenPrompt([7])], Normalize = false };
        var tokens = await EmbedAsync(request with { Kind = EmbeddingKind.Token });
        Assert.Equal([(150, 150), (1, 1)], tokens.Select(input => (input.TokenCount, input.VectorCount)));
        var pooled = await EmbedAsync(request with { Dimensions = 5 });
        Assert.Equal(5, pooled[0].Width);
        for (var i = 0; i < 5; i++)
            Assert.Equal((float)(Enumerable.Range(0, 150).Sum(token => (double)tokens[0].Vector(token).Span[i]) / 150), pooled[0].Values[i]);
        await BecomesIdleAsync();
    }

    [Fact]
    public async Task An_input_that_is_too_long_is_refused_or_cut()
    {
        var request = Embedding() with { Inputs = [new TokenPrompt([1]), new TokenPrompt([.. Enumerable.Range(0, 200)])] };
        var error = (await Backend.EmbedAsync(request, TestContext.Current.CancellationToken)).Error!;
        Assert.Equal((GenerationErrorKind.ContextLengthExceeded, "Inputs"), (error.Kind, error.Parameter));
        var cut = await EmbedAsync(request with { Truncation = InputTruncation.End });
        var beginning = await EmbedAsync(request with { Truncation = InputTruncation.Beginning });
        Assert.Equal([1, 192], cut.Select(input => input.TokenCount));
        Assert.NotEqual(cut[1].Values, beginning[1].Values);
        await BecomesIdleAsync();
    }

    [Fact]
    public async Task Inputs_that_do_not_fit_the_model_are_answered_with_what_is_at_fault()
    {
        foreach (var (request, kind, parameter) in ((EmbeddingRequest, GenerationErrorKind, string)[])
        [
            (Embedding(Text) with { ModelId = "no-such-model" }, GenerationErrorKind.ModelNotFound, "ModelId"),
            (Embedding() with { Inputs = [new TokenPrompt([1_000_000])] }, GenerationErrorKind.InvalidRequest, "Inputs"),
            (Embedding(Text) with { Dimensions = 65 }, GenerationErrorKind.InvalidRequest, "Dimensions"),
        ])
        {
            var error = (await Backend.EmbedAsync(request, TestContext.Current.CancellationToken)).Error!;
            Assert.Equal((kind, parameter), (error.Kind, error.Parameter));
        }

        await BecomesIdleAsync();
    }

    [Fact]
    public async Task Cancelling_a_request_for_vectors_frees_what_it_held()
    {
        var request = Embedding() with { Inputs = [.. Enumerable.Range(0, 1000).Select(i => new TokenPrompt([.. Enumerable.Range(i % 300, 150)]))] };
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = Backend.EmbedAsync(request, cancellation.Token);
        await RunAsync(Request(1));
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await BecomesIdleAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Backend.EmbedAsync(Embedding(Text), cancellation.Token));
    }

    [Fact]
    public async Task Many_requests_at_once_each_get_their_own()
    {
        var requests = Enumerable.Range(0, 24).Select(i => Request(10 + i) with { RequestId = $"{i}", Sampling = new SamplingParams { Seed = i } }).ToList();
        var together = await Task.WhenAll(requests.Select(RunAsync));
        for (var i = 0; i < requests.Count; i++)
            Assert.Equal((await RunAsync(requests[i])).Text(), together[i].Text());
        await BecomesIdleAsync();
    }
}
