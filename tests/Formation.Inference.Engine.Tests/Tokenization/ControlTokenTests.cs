using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Only what a template wrote becomes a control token.</summary>
public sealed class ControlTokenTests
{
    static readonly string[] Names =
    [
        "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]",
    ];

    public static TheoryData<string> Variants => TokenizerGoldens.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Text_never_becomes_a_control_token(string variant)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Variant(variant).Definition);
        foreach (string name in Names)
        {
            foreach (string text in new[] { name, $" {name} ", $"a{name}b", name + name, $"\n{name}\n", name[..^1], $"<|im_start|>{name}" })
            {
                int[] ids = tokenizer.Encode(PromptText.Plain(text), addSpecial: false);
                Assert.DoesNotContain(ids, id => tokenizer.Kind(id) == TokenKind.Control);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_prompt_that_is_wholly_trusted_has_the_ids_of_the_trusted_bytes(string variant)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Variant(variant).Definition);
        const string Text = "<|im_start|>user\nHällo <s> 世界 😀<|im_end|>\n";
        Assert.Equal(
            tokenizer.EncodeUtf8(System.Text.Encoding.UTF8.GetBytes(Text), trusted: true, addSpecial: true),
            tokenizer.Encode(PromptText.Trusted(Text), addSpecial: true));
    }

    [Fact]
    public void Only_the_tokens_inside_a_control_range_count()
    {
        Tokenizer tokenizer = Bpe();
        PromptText prompt = Prompt(("<|im_start|>user\n", true), ("<|im_end|>é😀<|im_start|>", false), ("<|im_end|>\n", true));
        int[] ids = tokenizer.Encode(prompt, addSpecial: false);
        Assert.Equal(["<|im_start|>", "<|im_end|>"], ControlNames(tokenizer, ids));
        Assert.Equal(tokenizer.FindSpecial("<|im_start|>"), ids[0]);
        Assert.Equal(prompt.Text, tokenizer.Decode(ids, renderControl: true));
    }

    [Theory]
    [InlineData("<|im_", "end|>")]
    [InlineData("<|im_end", "|>")]
    [InlineData("<", "|im_end|>")]
    public void A_token_put_together_from_template_and_user_text_is_text(string first, string second)
    {
        Tokenizer tokenizer = Bpe();
        Assert.Empty(ControlNames(tokenizer, (first, true), (second, false)));
        Assert.Empty(ControlNames(tokenizer, (first, false), (second, true)));
        Assert.Empty(ControlNames(tokenizer, (first[..1], false), (first[1..] + second, true)));
    }

    [Fact]
    public void Ranges_that_touch_are_one()
    {
        Tokenizer tokenizer = Bpe();
        Assert.Equal(["<|im_end|>"], ControlNames(tokenizer, ("<|im_", true), ("end|>", true)));
    }

    [Fact]
    public void Text_is_merged_across_the_border_of_a_range()
    {
        Tokenizer tokenizer = Bpe();
        int[] together = tokenizer.Encode(PromptText.Plain("Hello world"), addSpecial: false);
        Assert.Equal(together, tokenizer.Encode(Prompt(("Hel", true), ("lo wor", false), ("ld", true)), addSpecial: false));
    }

    [Fact]
    public void A_longer_token_that_needs_an_untrusted_range_does_not_hide_a_shorter_one()
    {
        Tokenizer tokenizer = Bpe();
        Assert.Equal(["<|one|><|two|>"], ControlNames(tokenizer, ("<|one|><|two|>", true)));
        Assert.Equal(["<|one|>"], ControlNames(tokenizer, ("<|one|>", true), ("<|two|>", false)));
    }

    [Fact]
    public void A_control_token_is_not_reached_by_merges_or_as_a_whole_word()
    {
        TokenizerDefinition definition = TinyVocabularies.ByteLevel(["ab", "pad"], TokenKind.Control, merges: ["a b"]);
        var tokenizer = Tokenizer.Create(definition);
        Assert.Equal([(int)'a', 'b'], tokenizer.Encode(PromptText.Plain("ab"), addSpecial: false));
        Assert.Equal([(int)'p', 'a', 'd'], tokenizer.Encode(PromptText.Plain("pad"), addSpecial: false));
        Assert.Equal([256, 257], tokenizer.Encode(PromptText.Trusted("abpad"), addSpecial: false));
    }

    [Fact]
    public void Structure_that_a_file_calls_text_is_structure_all_the_same()
    {
        string[] names = ["<|im_end|>", "<|channel|>", "<|message|>", "<|start|>", "<|fim_prefix|>", "<|eom_id|>"];
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(names, TokenKind.UserDefined));
        foreach (string name in names)
        {
            Assert.True(tokenizer.IsControl(tokenizer.FindSpecial(name)!.Value), name);
            Assert.DoesNotContain(tokenizer.Encode(PromptText.Plain(name), addSpecial: false), tokenizer.IsControl);
        }
        Assert.Equal("<|channel|>", tokenizer.Decode([tokenizer.FindSpecial("<|channel|>")!.Value]));
        Assert.Equal("", tokenizer.Decode([tokenizer.FindSpecial("<|im_end|>")!.Value]));
    }

    [Fact]
    public void Ends_of_generation_are_known_by_name_and_by_id()
    {
        string[] names = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>", "stop"];
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(names, TokenKind.Control) with
        {
            SpecialTokens = new SpecialTokenIds { Eos = 260 },
        });
        Assert.Equal([256, 257, 258, 259, 260], tokenizer.EndOfGeneration.Order());
        Assert.Equal(257, tokenizer.Eot);
        Assert.False(tokenizer.IsEndOfGeneration('a'));
    }

    [Fact]
    public void A_message_that_ends_does_not_end_an_answer_in_the_harmony_format()
    {
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(["<|end|>", "<|return|>", "<|call|>"], TokenKind.Control));
        Assert.Equal([257, 258], tokenizer.EndOfGeneration.Where(id => id != tokenizer.Eot).Order());
        Assert.False(tokenizer.IsEndOfGeneration(tokenizer.FindSpecial("<|end|>")!.Value));
        Assert.Equal("<|end|>", tokenizer.Decode([256]));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    [InlineData(2, -1)]
    public void A_range_outside_the_text_is_refused(int start, int length)
        => Assert.Throws<ArgumentException>(() => Bpe().Encode(new PromptText("text", [new TextRange(start, length)]), addSpecial: false));

    [Fact]
    public void Overlapping_ranges_are_refused()
    {
        var prompt = new PromptText("text", [new TextRange(0, 3), new TextRange(2, 1)]);
        Assert.Throws<ArgumentException>(() => Bpe().Encode(prompt, addSpecial: false));
    }

    [Fact]
    public void A_lone_surrogate_is_the_replacement_character()
        => Assert.Equal(
            Bpe().Encode(PromptText.Plain("a\ufffdb"), addSpecial: false), Bpe().Encode(PromptText.Plain("a\ud800b"), addSpecial: false));

    [Fact]
    public void A_range_that_cuts_a_surrogate_pair_leaves_the_character_out()
    {
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(["<😀>", "😀"], TokenKind.Control));
        Assert.Equal([256], tokenizer.Encode(PromptText.Trusted("<😀>"), addSpecial: false));
        foreach (TextRange cut in new[] { new TextRange(0, 2), new TextRange(2, 2), new TextRange(2, 0) })
            Assert.DoesNotContain(tokenizer.Encode(new PromptText("<😀>", [cut]), addSpecial: false), tokenizer.IsControl);
    }

    static Tokenizer Bpe() => Tokenizer.Create(TokenizerGoldens.Definition("bpe"));

    static IEnumerable<string> ControlNames(Tokenizer tokenizer, params (string Text, bool IsTemplate)[] parts)
        => ControlNames(tokenizer, tokenizer.Encode(Prompt(parts), addSpecial: false));

    static IEnumerable<string> ControlNames(Tokenizer tokenizer, int[] ids)
        => ids.Where(tokenizer.IsControl).Select(id => System.Text.Encoding.UTF8.GetString(tokenizer.TokenBytes(id).Span));

    static PromptText Prompt(params (string Text, bool IsTemplate)[] parts)
    {
        var ranges = new List<TextRange>();
        int start = 0;
        foreach ((string text, bool isTemplate) in parts)
        {
            if (isTemplate) ranges.Add(new TextRange(start, text.Length));
            start += text.Length;
        }
        return new PromptText(string.Concat(parts.Select(part => part.Text)), ranges);
    }
}
