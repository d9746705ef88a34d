using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tests.Tokenization;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>A text with a gap as a model reads it. The layouts are those that the models' publishers describe.</summary>
public sealed class InfillTests
{
    const int Context = 50;

    static GenerationRequest Request(Prompt prompt, int? maxTokens = null) => new()
    {
        RequestId = "r",
        ModelId = "code",
        AccountId = "a",
        Prompt = prompt,
        Stop = new StopConditions { MaxTokens = maxTokens },
    };

    static PromptEncoder Encoder(TokenizerDefinition definition) => new(
        new ServableModel
        {
            Tokenizer = Tokenizer.Create(definition),
            Template = null,
            Pipeline = new InventedModel().Servable.Pipeline,
            ContextLength = Context,
            BlockCount = 1,
            BlockSize = 16,
            MemoryBytes = 1,
        },
        Context, TimeProvider.System);

    static TokenizerDefinition ByteLevel(string marks, bool addsBos) => TinyVocabularies.ByteLevel([.. marks.Split(' '), "<bos>"], TokenKind.Control) with
    {
        AddBos = addsBos,
        SpecialTokens = new SpecialTokenIds { Bos = 256 + marks.Split(' ').Length },
    };

    /// <summary>SentencePiece with a piece for each letter of the texts below.</summary>
    static TokenizerDefinition SentencePiece(params string[] marks)
    {
        TokenizerDefinition definition = TinyVocabularies.SentencePiece(
            [.. "▁def(+abrtun".Select(letter => (letter.ToString(), -1f)), .. marks.Select(mark => (mark, 0f))]);
        return definition with
        {
            Kinds = [.. definition.Tokens.Select((text, id) => marks.Contains(text) ? TokenKind.Control : definition.Kinds![id])],
        };
    }

    static string Laid(TokenizerDefinition definition, Prompt prompt)
    {
        var (tokens, error) = Encoder(definition).Encode(Request(prompt), CancellationToken.None);
        Assert.Null(error);
        return string.Concat(tokens.Select(id => definition.Tokens[id]));
    }

    [Theory]
    [InlineData("<|fim_prefix|> <|fim_suffix|> <|fim_middle|>", false, "<|fim_prefix|>def<|fim_suffix|>return<|fim_middle|>")] // Qwen2.5-Coder's model card
    [InlineData("<|fim_prefix|> <|fim_suffix|> <|fim_middle|>", true, "<bos><|fim_prefix|>def<|fim_suffix|>return<|fim_middle|>")] // CodeGemma's
    [InlineData("<fim_prefix> <fim_middle> <fim_suffix>", false, "<fim_prefix>def<fim_suffix>return<fim_middle>")] // StarCoder's
    [InlineData("<｜fim▁begin｜> <｜fim▁hole｜> <｜fim▁end｜>", true, "<bos><｜fim▁begin｜>def<｜fim▁hole｜>return<｜fim▁end｜>")] // DeepSeek-Coder's README
    [InlineData("<[fim-suffix]> <[fim-prefix]> <[fim-middle]>", true, "<bos><[fim-suffix]>return<[fim-prefix]>def<[fim-middle]>")] // Seed-Coder's report
    [InlineData("<|code_prefix|> <|code_suffix|> <|code_middle|>", false, "<|code_suffix|>return<|code_prefix|>def<|code_middle|>")] // CodeGeeX4's guide
    public void Both_parts_stand_in_the_order_and_behind_the_marks_of_the_family(string marks, bool addsBos, string expected)
        => Assert.Equal(expected, Laid(ByteLevel(marks, addsBos), new InfillPrompt(new TextPrompt("def"), "return")));

    /// <summary>As Code Llama's own program puts the ids together: behind the gap a text has no space in front.</summary>
    [Fact]
    public void Code_Llamas_text_before_the_gap_begins_with_a_space_and_that_behind_it_does_not()
        => Assert.Equal(
            "<s>▁<PRE>▁def▁<SUF>return▁<MID>",
            Laid(SentencePiece("▁<PRE>", "▁<SUF>", "▁<MID>"), new InfillPrompt(new TextPrompt("def"), "return")));

    /// <summary>The text that mistral-common's tests give for this request.</summary>
    [Fact]
    public void Codestrals_text_behind_the_gap_comes_first_and_nothing_marks_the_middle()
        => Assert.Equal(
            "<s>[SUFFIX]return▁a▁+▁b[PREFIX]▁def▁f(",
            Laid(SentencePiece("[SUFFIX]", "[PREFIX]", "[MIDDLE]"), new InfillPrompt(new TextPrompt("def f("), "return a + b")));

    [Fact]
    public void Marks_in_either_text_are_text()
    {
        TokenizerDefinition definition = ByteLevel("<fim_prefix> <fim_suffix> <fim_middle>", addsBos: true);
        var (tokens, error) = Encoder(definition).Encode(Request(new InfillPrompt(new TextPrompt("<fim_middle>"), "<fim_suffix>")), CancellationToken.None);
        Assert.Null(error);
        Assert.Equal([259, 256, 257, 258], tokens.Where(id => id >= 256));
    }

    [Theory]
    [InlineData(true, "<bos><fim_prefix>de<fim_suffix>x<fim_middle>")]
    [InlineData(false, "<fim_prefix><bos>de<fim_suffix>x<fim_middle>")]
    public void Tokens_before_the_gap_are_used_as_they_are_and_the_model_has_one_begin_token(bool addsBos, string expected)
        => Assert.Equal(
            expected, Laid(ByteLevel("<fim_prefix> <fim_suffix> <fim_middle>", addsBos), new InfillPrompt(new TokenPrompt([259, 'd', 'e']), "x")));

    [Fact]
    public void Nothing_may_stand_before_the_gap()
        => Assert.Equal("<PRE><SUF>x<MID>", Laid(ByteLevel("<PRE> <SUF> <MID>", addsBos: false), new InfillPrompt(new TextPrompt(""), "x")));

    [Fact]
    public void A_gap_in_a_gap_or_in_a_conversation_is_no_prompt()
    {
        Assert.Throws<ArgumentException>(() => new InfillPrompt(new InfillPrompt(new TextPrompt("a"), "b"), "c"));
        Assert.Throws<ArgumentException>(() => new InfillPrompt(new ChatPrompt([new ChatMessage("user", "a")]), "b"));
        Assert.DoesNotContain("secret", new InfillPrompt(new TextPrompt("secret"), "secret").ToString());
    }

    [Fact]
    public void A_model_without_the_tokens_refuses_by_name()
    {
        var model = new InventedModel();
        var error = new PromptEncoder(model.Servable, Context, TimeProvider.System)
            .Encode(Request(new InfillPrompt(new TextPrompt("a"), "b")), CancellationToken.None).Error!;
        Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(InfillPrompt.Suffix)), (error.Kind, error.Parameter));
        Assert.All(["'code'", "can't fill gaps"], words => Assert.Contains(words, error.Message));
    }

    [Fact]
    public void Both_texts_count_against_the_context_and_the_message_says_so()
    {
        PromptEncoder encoder = Encoder(ByteLevel("<fim_prefix> <fim_suffix> <fim_middle>", addsBos: true));
        GenerationError? ErrorOf(int before, int behind, int? maxTokens = null) => encoder.Encode(
            Request(new InfillPrompt(new TextPrompt(new string('a', before)), new string('b', behind)), maxTokens), CancellationToken.None).Error;

        Assert.Null(ErrorOf(20, Context - 20 - 4 - 1));
        GenerationError full = ErrorOf(20, Context - 20 - 4)!;
        Assert.Equal((GenerationErrorKind.ContextLengthExceeded, "Prompt"), (full.Kind, full.Parameter));
        Assert.Contains("prompt with its suffix", full.Message);
        Assert.Contains("prompt with its suffix", ErrorOf(20, 20, maxTokens: 7)!.Message);
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, ErrorOf(1, 1_000_000)!.Kind);
        Assert.Equal(GenerationErrorKind.ContextLengthExceeded, ErrorOf(1_000_000, 1)!.Kind);
        Assert.Equal("Prompt", encoder.Encode(Request(new InfillPrompt(new TokenPrompt([9999]), "b")), CancellationToken.None).Error!.Parameter);
    }

    [Fact]
    public void What_fills_the_gap_ends_at_the_familys_tokens_unless_ends_are_ignored()
    {
        PromptEncoder encoder = Encoder(ByteLevel("<fim_prefix> <fim_suffix> <fim_middle> <file_sep>", addsBos: false));
        GenerationRequest asked = Request(new InfillPrompt(new TextPrompt("a"), "b")) with { Stop = new StopConditions { TokenIds = [7] } };
        Assert.Equal([7, 256, 257, 258, 259], encoder.Complete(asked).Stop.TokenIds);
        Assert.Equal([7], encoder.Complete(asked with { Stop = asked.Stop with { IgnoreEndOfGeneration = true } }).Stop.TokenIds);
        Assert.Equal([7], encoder.Complete(asked with { Prompt = new TextPrompt("a") }).Stop.TokenIds);
    }

    [Fact]
    public async Task A_served_model_answers_as_for_the_same_tokens_laid_out_by_hand()
    {
        TinyModelOptions model = TinyServer.Small with { FillsGaps = true, SpeaksEveryToken = true };
        await using var server = new TinyServer(model);
        int[] before = await server.PromptAsync("def hello("), behind = await server.PromptAsync("return");
        var names = new TinyVocabulary(model.VocabularySize, speaksEveryToken: true, fillsGaps: true).Tokens.ToList();
        int Mark(int index) => names.IndexOf(TinyVocabulary.FillInTheMiddle[index]);
        int[] byHand = [before[0], Mark(0), .. before[1..], Mark(1), .. behind[1..], Mark(2)];

        GenerationRequest request = TinyServer.Request("", 24) with { Choices = 2, Logprobs = new LogprobOptions(1), Sampling = new SamplingParams { Seed = 3 } };
        request = request with { Stop = request.Stop with { TokenIds = [Mark(0), Mark(1), Mark(2)] } };
        CollectedGeneration expected = await server.RunAsync(request with { Prompt = new TokenPrompt(byHand) });
        CollectedGeneration filled = await server.RunAsync(request with { Prompt = new InfillPrompt(new TextPrompt("def hello("), "return") });
        CollectedGeneration again = await server.RunAsync(request with { Prompt = new InfillPrompt(new TokenPrompt(before), "return") });
        foreach (int choice in (int[])[0, 1])
        {
            Assert.NotEqual("", expected.Text(choice));
            Assert.Equal(expected.Text(choice), filled.Text(choice));
            Assert.Equal(expected.Text(choice), again.Text(choice));
        }
    }
}
