using System.Text.Json;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Which tokens mark the parts of a text with a gap, as llama.cpp knows them (Golden/tokenizers) and as publishers describe their models.</summary>
public sealed class InfillMarksTests
{
    sealed record GoldenInfill(string Vocabulary, string[] Added, Dictionary<string, int> Named, int Prefix, int Suffix, int Middle);

    static GoldenInfill[] Goldens => JsonSerializer.Deserialize<GoldenInfill[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "tokenizers", "infill.json")), new JsonSerializerOptions(JsonSerializerDefaults.Web))!;

    [Fact]
    public void They_are_the_ones_that_llama_cpp_knows()
    {
        Assert.NotEmpty(Goldens);
        foreach (GoldenInfill golden in Goldens)
        {
            InfillMarks? marks = Tokenizer.Create(Grown(golden)).Infill;
            Assert.Equal((golden.Prefix, golden.Suffix, golden.Middle), (marks?.Prefix ?? -1, marks?.Suffix ?? -1, marks?.Middle ?? -1));
        }
    }

    [Fact]
    public void Text_never_becomes_one_of_them()
    {
        foreach (GoldenInfill golden in Goldens.Where(golden => golden.Prefix >= 0))
        {
            var tokenizer = Tokenizer.Create(Grown(golden));
            int[] marks = [golden.Prefix, golden.Suffix, golden.Middle];
            foreach (string text in golden.Added.SelectMany(text => new[] { text, $"a {text}b", text + text }))
            {
                Assert.DoesNotContain(tokenizer.Encode(PromptText.Plain(text), addSpecial: true), marks.Contains);
                Assert.DoesNotContain(tokenizer.EncodeContinuation(text), marks.Contains);
            }
        }
    }

    [Theory]
    [InlineData("<[fim-suffix]> <[fim-prefix]> <[fim-middle]>", true)]
    [InlineData("[SUFFIX] [PREFIX] [MIDDLE]", true)]
    [InlineData("<|code_suffix|> <|code_prefix|> <|code_middle|>", true)]
    [InlineData("<fim_suffix> <fim_prefix> <fim_middle>", false)]
    public void Some_families_read_what_is_behind_the_gap_first(string texts, bool isSuffixFirst)
    {
        InfillMarks marks = Tokenizer.Create(TinyVocabularies.ByteLevel(texts.Split(' '), TokenKind.Control)).Infill!;
        Assert.Equal((257, 256, isSuffixFirst), (marks.Prefix, marks.Suffix, marks.IsSuffixFirst));
        Assert.Equal(texts.Contains("[MIDDLE]") ? null : 258, marks.Middle);
    }

    [Theory]
    [InlineData("<fim_prefix>")]
    [InlineData("<fim_prefix> <fim_suffix>")]
    [InlineData("<fim_prefix> <|fim_suffix|> <fim_middle>")]
    [InlineData("[SUFFIX] [MIDDLE]")]
    public void A_family_with_tokens_missing_is_none(string texts)
        => Assert.Null(Tokenizer.Create(TinyVocabularies.ByteLevel(texts.Split(' '), TokenKind.Control)).Infill);

    [Fact]
    public void Two_words_in_brackets_are_marks_only_where_the_file_calls_them_structure()
    {
        TokenizerDefinition definition = TinyVocabularies.ByteLevel(["[PREFIX]", "[SUFFIX]"]);
        Assert.Null(Tokenizer.Create(definition).Infill);
        var named = Tokenizer.Create(definition with { SpecialTokens = new SpecialTokenIds { FillInTheMiddlePrefix = 256, FillInTheMiddleSuffix = 257 } });
        Assert.Equal((256, 257, null, true), (named.Infill!.Prefix, named.Infill.Suffix, named.Infill.Middle, named.Infill.IsSuffixFirst));
        Assert.True(named.IsControl(256));
    }

    [Fact]
    public void What_fills_a_gap_ends_at_the_marks_and_at_what_a_family_ends_it_with()
    {
        string[] codeLlama = ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"];
        Assert.Equal(Enumerable.Range(259, 4), Tokenizer.Create(TinyVocabularies.SentencePiece([.. codeLlama.Select(text => (text, 0f))])).Infill!.Ends.Order());
        string[] codeGemma = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>", "other"];
        Assert.Equal(Enumerable.Range(256, 4), Tokenizer.Create(TinyVocabularies.ByteLevel(codeGemma, TokenKind.Control)).Infill!.Ends.Order());
    }

    [Fact]
    public void A_named_token_outside_the_vocabulary_is_refused()
    {
        TokenizerDefinition definition = TinyVocabularies.ByteLevel(["other"]) with { SpecialTokens = new SpecialTokenIds { FillInTheMiddleMiddle = 257 } };
        Assert.Contains("middle", Assert.Throws<VocabularyException>(() => Tokenizer.Create(definition)).Message);
    }

    /// <summary>Text that goes on with a text has the ids that llama.cpp gives it where no space is put in front.</summary>
    [Fact]
    public void What_is_behind_a_gap_gets_no_space_in_front()
    {
        (TokenizerDefinition definition, GoldenResult result) = TokenizerGoldens.Variant("spm without space prefix, with eos");
        var tokenizer = Tokenizer.Create(definition with { AddSpacePrefix = true, AddEos = false });
        int compared = 0;
        foreach ((byte[] text, int[] expected) in TokenizerGoldens.Texts.Zip(result.Plain))
        {
            // Behind a token that the vocabulary's user defined, a stretch begins anew, with its space.
            if (!System.Text.Unicode.Utf8.IsValid(text) || expected.Any(id => tokenizer.Kind(id) == TokenKind.UserDefined)) continue;
            compared++;
            Assert.Equal(expected, tokenizer.EncodeContinuation(System.Text.Encoding.UTF8.GetString(text)));
        }
        Assert.InRange(compared, 50, int.MaxValue);
    }

    static TokenizerDefinition Grown(GoldenInfill golden)
    {
        TokenizerDefinition definition = TokenizerGoldens.Definition(golden.Vocabulary);
        int? Named(string key) => golden.Named.TryGetValue(key, out int id) ? id : null;
        return definition with
        {
            Tokens = [.. definition.Tokens, .. golden.Added],
            Kinds = [.. definition.Kinds!, .. golden.Added.Select(_ => TokenKind.Normal)],
            Scores = definition.Scores is null ? null : [.. definition.Scores, .. golden.Added.Select(_ => -1000f)],
            SpecialTokens = definition.SpecialTokens with
            {
                FillInTheMiddlePrefix = Named("fim_pre_token_id") ?? Named("prefix_token_id"),
                FillInTheMiddleSuffix = Named("fim_suf_token_id") ?? Named("suffix_token_id"),
                FillInTheMiddleMiddle = Named("fim_mid_token_id") ?? Named("middle_token_id"),
            },
        };
    }
}
