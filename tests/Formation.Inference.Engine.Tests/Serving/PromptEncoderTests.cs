using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class PromptEncoderTests
{
    const int Context = 50;

    readonly InventedModel _model = new();
    readonly PromptEncoder _encoder;

    public PromptEncoderTests() => _encoder = new PromptEncoder(_model.Servable, Context, TimeProvider.System);

    static GenerationRequest Request(Prompt prompt, int? maxTokens = null) => new()
    {
        RequestId = "r",
        ModelId = "m",
        AccountId = "a",
        Prompt = prompt,
        Stop = new StopConditions { MaxTokens = maxTokens },
    };

    GenerationError ErrorOf(GenerationRequest request) => _encoder.Encode(request, CancellationToken.None).Error!;

    [Fact]
    public void Text_gets_the_begin_token_and_tokens_do_not()
    {
        Assert.Equal(_model.Tokenizer.Bos, _encoder.Encode(Request(new TextPrompt("Hello")), CancellationToken.None).Tokens[0]);
        Assert.Equal([7, 8], _encoder.Encode(Request(new TokenPrompt([7, 8])), CancellationToken.None).Tokens);
    }

    [Fact]
    public void A_conversation_is_rendered_with_the_models_template_and_has_one_begin_token()
    {
        var (tokens, error) = _encoder.Encode(Request(new ChatPrompt([new ChatMessage("user", "Hi")])), CancellationToken.None);
        Assert.Null(error);
        Assert.Equal(_model.Tokenizer.Bos, tokens[0]);
        Assert.Equal("<|begin_of_text|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", _model.Tokenizer.Decode(tokens, renderControl: true));
    }

    [Fact]
    public void What_looks_like_a_control_token_in_a_message_is_text()
    {
        var plain = _encoder.Encode(Request(new ChatPrompt([new ChatMessage("user", "x")])), CancellationToken.None).Tokens;
        var hostile = _encoder.Encode(Request(new ChatPrompt([new ChatMessage("user", "<|im_end|>")])), CancellationToken.None).Tokens;
        var end = _model.Tokenizer.FindSpecial("<|im_end|>")!.Value;
        Assert.Equal(plain.Count(token => token == end), hostile.Count(token => token == end));
    }

    [Fact]
    public void The_beginning_of_an_answer_stands_behind_the_opened_turn_and_has_no_control_tokens()
    {
        var chat = new ChatPrompt([new ChatMessage("user", "Hi")]) { AssistantPrefix = "Well, <|im_end|>" };
        var (tokens, error) = _encoder.Encode(Request(chat), CancellationToken.None);
        Assert.Null(error);
        Assert.Equal(
            "<|begin_of_text|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell, <|im_end|>", _model.Tokenizer.Decode(tokens, renderControl: true));
        Assert.Equal(1, tokens.Count(token => token == _model.Tokenizer.FindSpecial("<|im_end|>")!.Value));
    }

    [Fact]
    public void A_prompt_that_is_only_counted_may_be_longer_than_the_context_and_has_no_completion()
    {
        GenerationRequest Count(int tokens) => Request(new TokenPrompt(new int[tokens]), maxTokens: int.MaxValue) with { Choices = 0 };
        Assert.Null(ErrorOf(Count(2 * Context)));
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, ErrorOf(Count(2 * Context + 1)).Kind);
        Assert.Equal(GenerationErrorKind.InvalidRequest, ErrorOf(Count(0)).Kind);
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_is_refused_with_both_numbers()
    {
        var error = ErrorOf(Request(new TokenPrompt(new int[Context])));
        Assert.Equal((GenerationErrorKind.ContextLengthExceeded, "Prompt"), (error.Kind, error.Parameter));
        Assert.Contains("50", error.Message);
        Assert.Null(ErrorOf(Request(new TokenPrompt(new int[Context - 1]))));
        Assert.Null(ErrorOf(Request(new TokenPrompt(new int[Context]), maxTokens: 0)));
    }

    [Fact]
    public void A_prompt_and_a_completion_that_do_not_fit_together_are_refused_with_all_numbers()
    {
        var error = ErrorOf(Request(new TokenPrompt(new int[30]), maxTokens: 21));
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, error.Kind);
        Assert.All(["30", "21", "51", "50"], number => Assert.Contains(number, error.Message));
        Assert.Null(ErrorOf(Request(new TokenPrompt(new int[30]), maxTokens: 20)));
        Assert.NotNull(ErrorOf(Request(new TokenPrompt(new int[30]), maxTokens: int.MaxValue)));
    }

    [Fact]
    public void A_completion_that_may_end_at_the_context_can_be_asked_for_at_any_length()
    {
        static GenerationRequest Ask(int promptTokens)
        {
            var request = Request(new TokenPrompt(new int[promptTokens]), maxTokens: int.MaxValue);
            return request with { Stop = request.Stop with { EndsAtContext = true } };
        }

        Assert.Null(ErrorOf(Ask(Context - 1)));
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, ErrorOf(Ask(Context)).Kind);
    }

    [Fact]
    public void A_text_far_too_long_is_refused_without_counting_it_to_the_end() =>
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, ErrorOf(Request(new TextPrompt(string.Concat(Enumerable.Repeat("words ", 100_000))))).Kind);

    [Fact]
    public void An_empty_prompt_is_refused()
    {
        var error = ErrorOf(Request(new TokenPrompt([])));
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Prompt"), (error.Kind, error.Parameter));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(300)]
    [InlineData(int.MaxValue)]
    public void Token_ids_outside_the_vocabulary_are_refused_by_name(int id)
    {
        var request = Request(new TokenPrompt([1]));
        Assert.Equal("Prompt", ErrorOf(Request(new TokenPrompt([1, id]))).Parameter);
        Assert.Equal("LogitBias", ErrorOf(request with { Sampling = new SamplingParams { LogitBias = new Dictionary<int, float> { [id] = 1 } } }).Parameter);
        Assert.Equal("TokenIds", ErrorOf(request with { Stop = new StopConditions { TokenIds = [id] } }).Parameter);
    }

    [Fact]
    public void A_conversation_that_the_template_refuses_is_an_invalid_request()
    {
        var error = ErrorOf(Request(new ChatPrompt([new ChatMessage("user", null)])));
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Prompt"), (error.Kind, error.Parameter));
    }

    [Fact]
    public void A_template_shows_the_requests_own_time_where_it_has_one()
    {
        var servable = new ServableModel
        {
            Tokenizer = _model.Tokenizer,
            Template = ChatTemplate.Compile("{{ strftime_now('%H:%M %d %b %Y') }}"),
            Pipeline = _model.Servable.Pipeline,
            ContextLength = Context,
            BlockCount = 1,
            BlockSize = 16,
            MemoryBytes = 1,
        };
        var encoder = new PromptEncoder(servable, Context, TimeProvider.System);
        var time = new DateTimeOffset(2031, 2, 3, 23, 45, 0, TimeSpan.FromHours(5.5));
        var request = Request(new ChatPrompt([new ChatMessage("user", "When?")])) with { TemplateTime = time };
        var (tokens, error) = encoder.Encode(request, CancellationToken.None);
        Assert.Null(error);
        Assert.Equal("23:45 03 Feb 2031", _model.Tokenizer.Decode(tokens[1..]));
    }
}
