using System.Text.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>
/// An invented model, which knows nothing of formats and draws nonsense, is held to them. What a whole text is, .NET's JSON reader and regular
/// expressions say.
/// </summary>
public sealed class FormatTests : IAsyncDisposable
{
    readonly EngineHarness _harness = new(blocks: 256);

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    Task<CollectedGeneration> RunAsync(OutputFormat format, int seed, int maxTokens = 200, StopConditions? stop = null) => _harness.RunAsync(
        _harness.Request(maxTokens, new SamplingParams { Seed = seed }) with
        {
            Format = format,
            Stop = stop ?? new StopConditions { MaxTokens = maxTokens },
        },
        EngineHarness.Prompt(5, seed));

    [Fact]
    public async Task Nonsense_becomes_json_and_what_is_whole_can_be_read()
    {
        var whole = 0;
        foreach (var seed in Enumerable.Range(0, 40))
        {
            var generation = await RunAsync(OutputFormat.JsonObject, seed);
            Assert.Null(generation.Error);
            if (generation.Finished(0).Reason != FinishReason.Stop)
                continue;
            using var document = JsonDocument.Parse(generation.Text(0), new JsonDocumentOptions { MaxDepth = 1000 });
            Assert.Equal(JsonValueKind.Object, document.RootElement.ValueKind);
            whole++;
        }
        Assert.InRange(whole, 5, 40);
    }

    [Fact]
    public async Task A_pattern_is_matched_from_beginning_to_end()
    {
        const string Pattern = @"(\d{3}-){2}[a-f]{2,4}|none";
        foreach (var seed in Enumerable.Range(0, 30))
        {
            var generation = await RunAsync(new OutputFormat(OutputFormatKind.Pattern, Pattern), seed);
            Assert.Equal(FinishReason.Stop, generation.Finished(0).Reason);
            Assert.Matches($"^({Pattern})$", generation.Text(0));
        }
    }

    [Fact]
    public async Task One_of_some_texts_is_chosen_and_ends_with_its_last_token()
    {
        var texts = new[] { "yes", "no", "perhaps" };
        var found = new HashSet<string>();
        foreach (var seed in Enumerable.Range(0, 30))
        {
            var generation = await RunAsync(new OutputFormat(OutputFormatKind.Choice, JsonSerializer.Serialize(texts)), seed);
            var finished = generation.Finished(0);
            Assert.Equal((FinishReason.Stop, null), (finished.Reason, finished.StopTokenId));
            Assert.Contains(generation.Text(0), texts);
            Assert.Equal(generation.Text(0), _harness.Model.Tokenizer.Decode(EngineHarness.TokensOf(generation)));
            Assert.Equal(EngineHarness.TokensOf(generation).Length, finished.CompletionTokens);
            found.Add(generation.Text(0));
        }
        Assert.True(found.Count > 1);
    }

    [Fact]
    public async Task A_text_that_may_end_or_go_on_ends_where_the_model_says_so()
    {
        var endings = new List<(int Tokens, FinishReason Reason)>();
        foreach (var seed in Enumerable.Range(0, 30))
        {
            var generation = await RunAsync(new OutputFormat(OutputFormatKind.Pattern, "[ab]*"), seed, maxTokens: 400);
            Assert.Matches("^[ab]*$", generation.Text(0));
            endings.Add((generation.Finished(0).CompletionTokens, generation.Finished(0).Reason));
        }
        Assert.Contains(endings, ending => ending is ( < 400, FinishReason.Stop));
    }

    [Fact]
    public async Task The_token_limit_cuts_a_text_that_is_not_whole()
    {
        var generation = await RunAsync(new OutputFormat(OutputFormatKind.Pattern, "[ab]{500}"), seed: 1, maxTokens: 20);
        Assert.Equal(FinishReason.Length, generation.Finished(0).Reason);
        Assert.Matches("^[ab]{20,}$", generation.Text(0));
    }

    [Fact]
    public async Task A_text_that_no_token_may_go_on_with_fails_and_says_so()
    {
        // The only text by the format is forbidden as the end of a completion that must not end yet.
        var tokens = _harness.Model.Tokenizer.EncodeUtf8("a"u8, trusted: false, addSpecial: false);
        var stop = new StopConditions { MaxTokens = 20, MinTokens = 5, TokenIds = tokens };
        var generation = await RunAsync(new OutputFormat(OutputFormatKind.Pattern, "a"), seed: 1, stop: stop);
        Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.Format)), (generation.Error!.Kind, generation.Error.Parameter));
        Assert.Contains("no token", generation.Error.Message);
    }

    [Theory]
    [InlineData(OutputFormatKind.Pattern, "(", "the pattern")]
    [InlineData(OutputFormatKind.Choice, "[", "JSON")]
    [InlineData(OutputFormatKind.Choice, "[1]", "strings")]
    [InlineData(OutputFormatKind.Choice, """["\ud800"]""", "surrogate")]
    [InlineData(OutputFormatKind.JsonSchema, "{", "JSON")]
    [InlineData(OutputFormatKind.Grammar, "stem ::= \"a\"", "root")]
    [InlineData((OutputFormatKind)77, "", "77")]
    public void What_is_no_format_is_refused_with_the_reason(OutputFormatKind kind, string source, string reason)
    {
        var encoder = new PromptEncoder(_harness.Model.Servable, 100, TimeProvider.System);
        var error = encoder.Encode(_harness.Request(5) with { Prompt = new TokenPrompt([1]), Format = new OutputFormat(kind, source) }, CancellationToken.None).Error!;
        Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.Format)), (error.Kind, error.Parameter));
        Assert.Contains(reason, error.Message);
    }
}
