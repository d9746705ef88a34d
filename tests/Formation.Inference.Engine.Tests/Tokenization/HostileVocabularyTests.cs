using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

public sealed class HostileVocabularyTests
{
    static readonly Dictionary<string, (TokenizerDefinition Definition, string Message)> Cases = new()
    {
        ["no tokens"] = (Bytes() with { Tokens = [], Kinds = null }, "no tokens"),
        ["too few kinds"] = (Bytes() with { Kinds = [TokenKind.Normal] }, "token_type has 1 entries, but there are 256 tokens"),
        ["too few scores"] = (Pieces() with { Scores = [0f] }, "scores has 1 entries"),
        ["no scores"] = (Pieces() with { Scores = null }, "needs scores"),
        ["a score that is not a number"] = (Pieces() with { Scores = [.. Enumerable.Repeat(0f, 258), float.NaN] }, "score of token 258"),
        ["an infinite score"] = (Pieces() with { Scores = [float.PositiveInfinity, .. Enumerable.Repeat(0f, 258)] }, "score of token 0"),
        ["two tokens alike"] = (TinyVocabularies.ByteLevel(["xy", "xy"]), "Tokens 256 and 257 have the same text"),
        ["a begin token out of range"] = (
            Bytes() with { SpecialTokens = new() { Bos = 256 } }, "has the id 256, but there are only 256 tokens"),
        ["a negative end token"] = (Bytes() with { SpecialTokens = new() { Eos = -1 } }, "end of text token has the id -1"),
        ["a fill-in-the-middle token out of range"] = (
            Bytes() with { SpecialTokens = new() { FillInTheMiddleEnds = [999] } }, "has the id 999"),
        ["a begin token asked for but not named"] = (Bytes() with { AddBos = true }, "names no begin-of-text token"),
        ["an end token asked for but not named"] = (Bytes() with { AddEos = true }, "names no end-of-text token"),
        ["no merges"] = (Bytes() with { Merges = null }, "needs merges"),
        ["a merge without a space"] = (Bytes() with { Merges = ["ab"] }, "Merge 0"),
        ["a merge of one token"] = (Bytes() with { Merges = ["a "] }, "Merge 0"),
        ["an empty merge"] = (Bytes() with { Merges = [""] }, "Merge 0"),
        ["a merge of a token that is not there"] = (Bytes() with { Merges = ["zz a"] }, "Merge 0 (tokenizer.ggml.merges) needs a token"),
        ["a merge whose product is not there"] = (Bytes() with { Merges = ["a b"] }, "Merge 0 (tokenizer.ggml.merges) needs a token"),
        ["no pre-tokenizer"] = (Bytes() with { PreTokenizer = null }, "does not name its pre-tokenizer"),
        ["an unknown pre-tokenizer"] = (Bytes() with { PreTokenizer = "new-model" }, "'new-model'"),
        ["an unknown model"] = (Bytes() with { Model = "rwkv" }, "Supported are: gpt2, llama, bert"),
        ["a token that is too long"] = (TinyVocabularies.ByteLevel([new string('x', 5000)]), "Token 256 has 5000 bytes; at most 4096"),
        ["too many bytes in special tokens"] = (
            TinyVocabularies.ByteLevel(LongTokens(1100), TokenKind.Control), "special tokens together"),
        ["too many bytes in all tokens"] = (
            TinyVocabularies.ByteLevel(LongTokens(4200)), "tokens together"),
        ["WordPiece without its special tokens"] = (
            TinyVocabularies.WordPiece("a") with { SpecialTokens = new() }, "must name its begin, separator and unknown tokens"),
    };

    public static TheoryData<string> CaseNames => [.. Cases.Keys];

    public static TheoryData<string> MalformedByteTokens =>
        ["<0x-1>", "<0x+1>", "<0x 1>", "<0x1>", "<0x123>", "<0xGG>", "<0X41>", "0x41", "<0x41", "<>", "<0x４1>"];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void A_broken_vocabulary_is_refused_with_a_reason(string name)
    {
        (TokenizerDefinition definition, string message) = Cases[name];
        var error = Assert.Throws<VocabularyException>(() => Tokenizer.Create(definition));
        Assert.Contains(message, error.Message);
    }

    [Theory]
    [MemberData(nameof(MalformedByteTokens))]
    public void A_malformed_byte_token_is_refused(string text)
    {
        TokenizerDefinition definition = Pieces();
        string[] tokens = [.. definition.Tokens];
        tokens[3] = text;
        var error = Assert.Throws<VocabularyException>(() => Tokenizer.Create(definition with { Tokens = tokens }));
        Assert.Equal("Token 3 is a byte token, but its text is not of the form <0xNN>.", error.Message);
    }

    [Fact]
    public void A_missing_byte_token_needs_an_unknown_token()
    {
        TokenizerDefinition definition = Pieces();
        string[] tokens = [.. definition.Tokens];
        tokens[3] = "<0xzz>";
        TokenKind[] kinds = [.. definition.Kinds!];
        kinds[3] = TokenKind.Normal;
        var tokenizer = Tokenizer.Create(definition with { Tokens = tokens, Kinds = kinds, AddSpacePrefix = false });
        Assert.Equal([0], tokenizer.Encode(PromptText.Plain("\0"), addSpecial: false));
    }

    [Fact]
    public void Too_many_tokens_are_refused()
    {
        TokenizerDefinition definition = Bytes() with { Tokens = new string[(1 << 20) + 1], Kinds = null };
        var error = Assert.Throws<VocabularyException>(() => Tokenizer.Create(definition));
        Assert.Contains("1048577 tokens; at most 1048576", error.Message);
    }

    [Fact]
    public void Unknown_kinds_are_never_rendered()
    {
        TokenizerDefinition definition = TinyVocabularies.ByteLevel(["odd"], (TokenKind)77);
        Assert.Equal("", Tokenizer.Create(definition).Decode([256]));
    }

    [Fact]
    public void A_file_error_says_what_kind_it_is()
    {
        Assert.Equal(GgufErrorKind.MissingKey, ErrorOf(writer => writer.Add("tokenizer.ggml.model", "gpt2")));
        Assert.Equal(GgufErrorKind.UnsupportedTokenizer, ErrorOf(writer =>
        {
            writer.Add("tokenizer.ggml.model", "t5");
            writer.Add("tokenizer.ggml.tokens", new[] { "a" });
        }));
        Assert.Equal(GgufErrorKind.InvalidVocabulary, ErrorOf(writer =>
        {
            writer.Add("tokenizer.ggml.model", "llama");
            writer.Add("tokenizer.ggml.tokens", new[] { "a", "b" });
            writer.Add("tokenizer.ggml.scores", new[] { 1f });
        }));
        Assert.Equal(GgufErrorKind.InvalidVocabulary, ErrorOf(writer =>
        {
            writer.Add("tokenizer.ggml.model", "llama");
            writer.Add("tokenizer.ggml.tokens", new[] { "a" });
            writer.Add("tokenizer.ggml.bos_token_id", 7u);
        }));
        Assert.Equal(GgufErrorKind.WrongType, ErrorOf(writer =>
        {
            writer.Add("tokenizer.ggml.model", "llama");
            writer.Add("tokenizer.ggml.tokens", new[] { 1, 2 });
        }));
        Assert.Equal(GgufErrorKind.InvalidVocabulary, ErrorOf(writer =>
        {
            writer.Add("tokenizer.ggml.model", "llama");
            writer.Add("tokenizer.ggml.tokens", new[] { new string('x', 5000) });
        }));
    }

    static GgufErrorKind ErrorOf(Action<GgufWriter> fill)
    {
        var writer = new GgufWriter();
        fill(writer);
        string path = Path.GetTempFileName();
        writer.Write(path);
        using var file = new TemporaryGguf(path);
        return Assert.Throws<GgufException>(() => Tokenizer.FromGguf(file.Gguf.Metadata)).Kind;
    }

    static string[] LongTokens(int count) => [.. Enumerable.Range(0, count).Select(i => i.ToString("D4") + new string('x', 4092))];

    static TokenizerDefinition Bytes() => TinyVocabularies.ByteLevel([]);

    static TokenizerDefinition Pieces() => TinyVocabularies.SentencePiece();
}
