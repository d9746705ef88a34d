using System.Text;

namespace Formation.Inference.Contracts.Tests;

public class TokenizingTests
{
    /// <summary>A backend that shows a prompt as a test says.</summary>
    sealed class Shown(params GenerationEvent[] events) : IInferenceBackend
    {
        public GenerationRequest? Asked { get; private set; }

        public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
            GenerationRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Asked = request;
            await Task.Yield();
            foreach (GenerationEvent item in events)
                yield return item;
        }

        public Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("Nothing is embedded here.");
    }

    static GenerationRequest Request(Prompt prompt) => new()
    {
        RequestId = "r",
        ModelId = "m",
        AccountId = "a",
        Prompt = prompt,
        Choices = 3,
        Logprobs = new LogprobOptions(2),
    };

    static TokenLogprob Token(string text, bool isSpecial = false) => new(text.Length, Encoding.UTF8.GetBytes(text), null, []) { IsSpecial = isSpecial };

    static async Task<string> PlacesAsync(Prompt prompt, string text, params TokenLogprob[] tokens)
    {
        var backend = new Shown(new GenerationStarted(tokens.Length), new GenerationDelta(0, text, tokens) { IsEcho = true });
        Outcome<TokenizedPrompt> outcome = await backend.TokenizeAsync(Request(prompt), TestContext.Current.CancellationToken);
        Assert.Equal((0, true, null), (backend.Asked!.Choices, backend.Asked.EchoPrompt, backend.Asked.Logprobs));
        Assert.Equal(text, outcome.Value!.Text.Value);
        return string.Join(' ', outcome.Value.Tokens.Select(token => $"{token.Start}-{token.Stop}"));
    }

    [Fact]
    public async Task Tokens_stand_in_the_text_by_bytes_also_where_they_split_a_character() =>
        Assert.Equal("0-0 0-1 1-2 2-4", await PlacesAsync(
            new TextPrompt("é b"), "é b", Token("<s>", isSpecial: true), new(1, new byte[] { 0xC3 }, null, []), new(2, new byte[] { 0xA9 }, null, []), Token(" b")));

    [Fact]
    public async Task A_space_that_a_tokenizer_puts_before_a_text_or_drops_in_it_is_in_no_token() =>
        Assert.Equal("0-2 4-5", await PlacesAsync(new TextPrompt("ab  c"), "ab  c", Token(" ab"), Token("c")));

    [Fact]
    public async Task A_look_alike_of_a_special_token_is_text_and_a_templates_own_is_special()
    {
        TokenLogprob[] tokens = [Token("<s>", isSpecial: true), Token("<s>")];
        Assert.Equal("0-0 0-3", await PlacesAsync(new TextPrompt("<s>"), "<s>", tokens));
        Assert.Equal("0-3 3-6", await PlacesAsync(new ChatPrompt([new ChatMessage("user", "<s>")]), "<s><s>", tokens));
    }

    [Fact]
    public async Task A_token_that_is_not_in_the_text_has_no_length_there() =>
        Assert.Equal("0-0 0-2", await PlacesAsync(new TextPrompt("ab"), "ab", Token("X"), Token("ab")));

    [Fact]
    public async Task A_failure_is_the_outcome()
    {
        var error = new GenerationError(GenerationErrorKind.ModelNotFound, "none");
        Outcome<TokenizedPrompt> outcome = await new Shown(new GenerationFailed(error)).TokenizeAsync(Request(new TextPrompt("a")), default);
        Assert.Equal(error, outcome.Error);
        Assert.Null(outcome.Value);
        await Assert.ThrowsAsync<InvalidOperationException>(() => new Shown(new GenerationStarted(1)).TokenizeAsync(Request(new TextPrompt("a")), default));
    }
}
