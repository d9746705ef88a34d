using System.Text.Json;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Reasoning;

/// <summary>An invented model, which draws nonsense, thinks before it answers; only a limit makes it stop.</summary>
public sealed class ReasoningTests : IAsyncDisposable
{
    /// <summary>ChatML with thoughts in the manner of Qwen3, which the model opens itself.</summary>
    const string Thinks = """
        {%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.reasoning_content %}{{ '<think>\n' + m.reasoning_content + '\n</think>\n\n' }}{% endif %}{{ m.content + '<|im_end|>\n' }}{% endfor %}
        {%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}
        """;

    /// <summary>The same, opened by the template whatever anybody wants.</summary>
    const string IsOpened = """
        {%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content.split('</think>')[-1] + '<|im_end|>\n' }}{% endfor %}
        {%- if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}
        """;

    static readonly ReasoningSyntax May = new("<think>", "</think>", "\n\n"), Open = May with { IsOpen = true };

    readonly EngineHarness _thinks = new(blocks: 256, template: Thinks), _isOpened = new(blocks: 256, template: IsOpened);

    public async ValueTask DisposeAsync()
    {
        await _thinks.DisposeAsync();
        await _isOpened.DisposeAsync();
    }

    static GenerationRequest Request(EngineHarness harness, int tokens = 200, int? budget = null, bool? isWanted = null, int seed = 1) =>
        harness.Request(tokens, new SamplingParams { Seed = seed }) with
        {
            Prompt = new ChatPrompt([new ChatMessage("user", $"What is {seed} and {seed}?")]),
            Reasoning = budget is null && isWanted is null ? null : new ReasoningOptions { IsWanted = isWanted, MaxTokens = budget },
        };

    static async Task<CollectedGeneration> RunAsync(EngineHarness harness, GenerationRequest request) =>
        await harness.RunAsync(request, Encode(harness, request));

    static int[] Encode(EngineHarness harness, GenerationRequest request)
    {
        var (tokens, error) = new PromptEncoder(harness.Model.Servable, 1024, TimeProvider.System).Encode(request, CancellationToken.None);
        Assert.Null(error);
        return tokens;
    }

    static string PromptText(EngineHarness harness, GenerationRequest request) => harness.Model.Tokenizer.Decode(Encode(harness, request), renderControl: true);

    static ReasoningSyntax? SyntaxOf(CollectedGeneration generation) => Assert.IsType<GenerationStarted>(generation.Events[0]).Reasoning;

    [Fact]
    public async Task The_stream_begins_with_how_a_thought_stands_in_it()
    {
        Assert.Equal(May, SyntaxOf(await RunAsync(_thinks, Request(_thinks, 3))));
        Assert.Equal(May, SyntaxOf(await RunAsync(_thinks, Request(_thinks, 3, isWanted: true))));
        Assert.Null(SyntaxOf(await RunAsync(_thinks, Request(_thinks, 3, isWanted: false))));
        Assert.Equal(Open, SyntaxOf(await RunAsync(_isOpened, Request(_isOpened, 3))));
        Assert.Null(SyntaxOf(await RunAsync(_isOpened, Request(_isOpened, 3, isWanted: false))));
        Assert.Null(SyntaxOf(await RunAsync(_isOpened, Request(_isOpened, 3) with { Prompt = new TextPrompt("<|im_start|>assistant\n<think>\n") })));
    }

    [Fact]
    public void Where_none_is_wanted_the_prompt_ends_behind_an_empty_thought()
    {
        Assert.EndsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n", PromptText(_thinks, Request(_thinks, isWanted: false)));
        Assert.EndsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n", PromptText(_isOpened, Request(_isOpened, isWanted: false)));
        Assert.EndsWith("<|im_start|>assistant\n", PromptText(_thinks, Request(_thinks, isWanted: true)));
        Assert.EndsWith("<|im_start|>assistant\n<think>\n", PromptText(_isOpened, Request(_isOpened)));
    }

    [Fact]
    public void A_variable_that_a_request_sets_itself_stays()
    {
        var request = Request(_thinks, isWanted: true);
        var quiet = (ChatPrompt)request.Prompt with { TemplateVariables = new Dictionary<string, JsonElement> { ["enable_thinking"] = JsonElement.Parse("false") } };
        Assert.EndsWith("</think>\n\n", PromptText(_thinks, request with { Prompt = quiet }));
    }

    [Fact]
    public void A_given_beginning_of_the_answer_stands_behind_the_thought()
    {
        var request = Request(_isOpened);
        var prompt = (ChatPrompt)request.Prompt with { AssistantPrefix = "It is" };
        Assert.EndsWith("<think>\n\n</think>\n\nIt is", PromptText(_isOpened, request with { Prompt = prompt }));
    }

    [Fact]
    public void A_thought_of_an_earlier_turn_is_given_to_the_template()
    {
        var request = Request(_thinks);
        var prompt = new ChatPrompt([new ChatMessage("user", "Why?"), new ChatMessage("assistant", "So.") { ReasoningContent = "Hm." }, new ChatMessage("user", "So?")]);
        Assert.Contains("<|im_start|>assistant\n<think>\nHm.\n</think>\n\nSo.<|im_end|>", PromptText(_thinks, request with { Prompt = prompt }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public async Task A_thought_that_has_had_its_tokens_is_closed_and_the_answer_follows(int budget)
    {
        foreach (var seed in Enumerable.Range(0, 10))
        {
            var request = Request(_isOpened, 100, budget, seed: seed);
            var generation = await RunAsync(_isOpened, request with { Stop = request.Stop with { IgnoreEndOfGeneration = true } });
            var text = generation.Text(0);
            var end = text.IndexOf("\n</think>\n\n", StringComparison.Ordinal);
            Assert.True(end >= 0, text);
            var thought = generation.Finished(0).ReasoningTokens;

            // What closes it is counted, too, and a character that has begun is ended first.
            var closing = _isOpened.Model.Tokenizer.EncodeUtf8("\n</think>\n\n"u8, trusted: true, addSpecial: false).Length;
            Assert.InRange(thought, budget + 1, budget + closing + 3);
            Assert.DoesNotContain('\uFFFD', text[end..(end + 11)]);
        }
    }

    [Fact]
    public async Task Behind_the_thought_the_text_is_of_its_format()
    {
        var schema = new OutputFormat(OutputFormatKind.JsonSchema, """{"type":"object","properties":{"n":{"type":"integer","minimum":1,"maximum":99},"ok":{"type":"boolean"}},"required":["n","ok"],"additionalProperties":false}""");
        foreach (var seed in Enumerable.Range(0, 20))
        {
            var generation = await RunAsync(_isOpened, Request(_isOpened, 300, 20, seed: seed) with { Format = schema });
            Assert.Equal(FinishReason.Stop, generation.Finished(0).Reason);
            var text = generation.Text(0);
            using var answer = JsonDocument.Parse(text[(text.IndexOf("</think>\n\n", StringComparison.Ordinal) + 10)..]);
            Assert.InRange(answer.RootElement.GetProperty("n").GetInt32(), 1, 99);
        }
    }

    [Fact]
    public async Task A_thought_that_may_open_is_held_to_its_limit_with_a_format()
    {
        // The bias forbids the only beginning that the format leaves: so the model opens a thought.
        var x = _thinks.Model.Tokenizer.EncodeUtf8("x"u8, trusted: false, addSpecial: false)[0];
        var request = Request(_thinks, 200, 12) with { Format = new OutputFormat(OutputFormatKind.Choice, """["x1","x2"]""") };
        var free = await RunAsync(_thinks, request);
        Assert.Equal(0, free.Finished(0).ReasoningTokens);
        var thinking = await RunAsync(_thinks, request with { Sampling = new SamplingParams { Seed = 3, LogitBias = new Dictionary<int, float> { [x] = -100 } } });
        Assert.Matches(@"^<think>[\s\S]*</think>\n\nx[12]$", thinking.Text(0));
    }

    [Fact]
    public async Task A_stop_string_in_a_thought_stops_nothing_and_one_behind_it_does()
    {
        var request = Request(_isOpened, 120, 10, seed: 4);
        var whole = (await RunAsync(_isOpened, request)).Text(0);
        var end = whole.IndexOf("</think>\n\n", StringComparison.Ordinal) + 10;
        var (inThought, inAnswer) = (whole[..1], whole[(end + 2)..(end + 3)]);
        var stopped = await RunAsync(_isOpened, request with { Stop = request.Stop with { Strings = [inThought, "</think>", "\n\n", inAnswer] } });
        Assert.StartsWith(whole[..end], stopped.Text(0));
        Assert.NotNull(stopped.Finished(0).StopString);
        Assert.True(stopped.Text(0).Length < end + 3);
    }

    [Fact]
    public async Task Guesses_that_are_right_and_wrong_change_nothing()
    {
        var format = new OutputFormat(OutputFormatKind.Pattern, "[ab]{3,9}");
        await using var guessing = new EngineHarness(
            blocks: 256, template: IsOpened, drafters: [new PromptLookupDrafter()], speculation: new SpeculationOptions { IsAdaptive = false, MaxDraftTokens = 4 });
        foreach (var seed in Enumerable.Range(0, 8))
        {
            var request = Request(_isOpened, 120, 15, seed: seed) with { Format = format, Sampling = new SamplingParams { Seed = seed, Temperature = 0.1f } };
            var (plain, guessed) = (await RunAsync(_isOpened, request), await RunAsync(guessing, request));
            Assert.Equal((plain.Text(0), plain.Finished(0).ReasoningTokens), (guessed.Text(0), guessed.Finished(0).ReasoningTokens));
        }
    }

    [Fact]
    public async Task One_that_another_engine_goes_on_with_says_the_same()
    {
        var request = Request(_isOpened, 120, 10, seed: 5);
        var prompt = Encode(_isOpened, request);
        var whole = await RunAsync(_isOpened, request);
        var deltas = whole.Events.OfType<GenerationDelta>().ToList();
        for (var count = 1; count < deltas.Count; count += 3)
        {
            var delivered = deltas.Take(count).ToList();
            var text = string.Concat(delivered.Select(delta => delta.Text.Value));
            var continued = await _isOpened.RunAsync(
                request with
                {
                    Continuation = new Continuation([new ContinuedChoice { TokenIds = [.. delivered.SelectMany(delta => delta.TokenIds)], TextLength = text.Length }]),
                },
                prompt);
            Assert.Equal(whole.Text(0), text + continued.Text(0));
            Assert.Equal(whole.Finished(0).ReasoningTokens, continued.Finished(0).ReasoningTokens);
        }
    }
}
