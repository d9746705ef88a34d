using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class OutputGrammarTests
{
    readonly Tokenizer _tokenizer = new InventedModel().Tokenizer;
    readonly OutputGrammars _grammars;

    public OutputGrammarTests() => _grammars = new OutputGrammars(_tokenizer, () => ToolCallSyntax.Default);

    GrammarText NewText(string pattern) => new(Get(pattern), [.. _tokenizer.EndOfGeneration]);

    OutputGrammar Get(string pattern) => _grammars.Of(new GenerationRequest
    {
        RequestId = "r",
        ModelId = "m",
        AccountId = "a",
        Prompt = new TextPrompt("x"),
        Format = new OutputFormat(OutputFormatKind.Pattern, pattern),
    })!;

    int[] Allowed(GrammarText text)
    {
        var logits = new float[_tokenizer.VocabularySize];
        text.Constrain(logits);
        return [.. Enumerable.Range(0, logits.Length).Where(token => !float.IsNegativeInfinity(logits[token]))];
    }

    void Append(GrammarText text, string more)
    {
        foreach (var token in _tokenizer.EncodeUtf8(System.Text.Encoding.UTF8.GetBytes(more), trusted: false, addSpecial: false))
            text.Append(token);
    }

    [Fact]
    public void Only_tokens_that_go_on_with_the_text_are_left_and_ends_where_it_may_end()
    {
        var text = NewText("ab?");
        Assert.Equal(["a", "ab"], Allowed(text).Select(token => _tokenizer.Decode([token])).Where(piece => piece is "a" or "ab").Append("ab").Distinct());
        Assert.DoesNotContain(Allowed(text), _tokenizer.IsEndOfGeneration);
        Append(text, "a");
        Assert.Equal(_tokenizer.EndOfGeneration.Append(Assert.Single(Allowed(text), token => _tokenizer.Decode([token]) == "b")).Order(), Allowed(text));
        Assert.False(text.IsComplete);
        Append(text, "b");
        Assert.Equal(_tokenizer.EndOfGeneration.Order(), Allowed(text));
        Assert.True(text.IsComplete);
    }

    [Fact]
    public void What_ends_a_generation_adds_nothing_to_the_text()
    {
        var text = NewText("ab");
        text.Append(_tokenizer.EndOfGeneration.First());
        Append(text, "ab");
        Assert.True(text.IsComplete);
    }

    [Fact]
    public void Whether_one_more_token_makes_it_whole_is_told_without_taking_it()
    {
        var text = NewText("xy");
        Append(text, "x");
        var (right, wrong) = (_tokenizer.EncodeUtf8("y"u8, false, false)[0], _tokenizer.EncodeUtf8("x"u8, false, false)[0]);
        Assert.True(text.IsCompletedBy(right));
        Assert.Throws<GrammarException>(() => text.IsCompletedBy(wrong));
        Assert.False(text.IsComplete);
        Assert.True(text.IsCompletedBy(right));
    }

    [Fact]
    public void A_text_that_is_none_by_the_grammar_is_refused()
    {
        var text = NewText("xy");
        Append(text, "z");
        Assert.Throws<GrammarException>(() => Allowed(text));
    }

    [Fact]
    public void Texts_go_on_as_before_when_what_was_found_out_has_been_forgotten()
    {
        // Each count of the repetition is a place of its own, so a long text comes to more of them than are kept.
        const int Length = GrammarMatcher.MostPlaces + 3000;
        var pattern = $"(a{{{Length / 4}}}){{4}}c";
        var (grammar, ends) = (Get(pattern), Array.Empty<int>());
        var (early, late) = (new GrammarText(grammar, ends), new GrammarText(grammar, ends));
        Append(early, "aaaa");
        var before = Allowed(early);
        Append(late, new string('a', Length - 1));
        Assert.Contains(_tokenizer.EncodeUtf8("a"u8, false, false)[0], Allowed(late));
        Assert.Equal(before, Allowed(early));
        Append(late, "a");
        Assert.Equal([_tokenizer.EncodeUtf8("c"u8, false, false)[0]], Allowed(late));
    }

    [Fact]
    public void A_control_token_that_calls_have_in_them_is_text_where_tools_may_be_called_and_only_there()
    {
        var marker = _tokenizer.FindSpecial("<|im_start|>")!.Value;
        var grammars = new OutputGrammars(_tokenizer, () => ToolCallSyntax.Default with { Opening = "<|im_start|>{\"name\": \"" });
        Assert.Equal([marker], grammars.TextTokens(new ToolUse(ToolChoice.Auto), null));
        Assert.Empty(grammars.TextTokens(null, null));
        using var tools = System.Text.Json.JsonDocument.Parse("""[{"type":"function","function":{"name":"f"}}]""");
        var request = new GenerationRequest
        {
            RequestId = "r",
            ModelId = "m",
            AccountId = "a",
            Prompt = new ChatPrompt([new ChatMessage("user", "x")]) { Tools = tools.RootElement },
            ToolUse = new ToolUse(ToolChoice.Required),
        };
        var text = new GrammarText(grammars.Of(request)!, []);
        Assert.Contains(marker, Allowed(text));
        text.Append(marker);
        Assert.Equal("{", Assert.Single(Allowed(text).Select(token => _tokenizer.Decode([token]))));

        var anyText = new GrammarText(grammars.Of(request with { ToolUse = null, Format = new OutputFormat(OutputFormatKind.Pattern, "[^x]*") })!, []);
        Assert.DoesNotContain(marker, Allowed(anyText));
    }

    [Fact]
    public void The_same_format_has_one_grammar_as_long_as_it_is_kept()
    {
        var first = Get("a");
        Assert.Same(first, Get("a"));
        for (var i = 0; i < OutputGrammars.MostKept - 1; i++)
            Get($"b{i}");
        Assert.Same(first, Get("a"));
        for (var i = 0; i < OutputGrammars.MostKept; i++)
            Get($"c{i}");
        Assert.NotSame(first, Get("a"));
    }
}
