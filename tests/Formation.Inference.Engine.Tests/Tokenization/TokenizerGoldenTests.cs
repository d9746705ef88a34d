using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Ids, bytes and kinds of tokens are those of llama.cpp.</summary>
public sealed class TokenizerGoldenTests
{
    public static TheoryData<string> Variants => TokenizerGoldens.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Ids_of_every_text_equal_the_reference(string variant)
    {
        (TokenizerDefinition definition, GoldenResult golden) = TokenizerGoldens.Variant(variant);
        var tokenizer = Tokenizer.Create(definition);
        for (int i = 0; i < TokenizerGoldens.Texts.Count; i++)
        {
            byte[] text = TokenizerGoldens.Texts[i];
            AssertSame(golden.Plain[i], tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false), text, "plain");
            AssertSame(golden.Special[i], tokenizer.EncodeUtf8(text, trusted: true, addSpecial: true), text, "special");
        }
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void Bytes_and_kinds_of_every_token_equal_the_reference(string vocabulary)
    {
        GoldenPieces golden = TokenizerGoldens.Pieces(vocabulary);
        using TemporaryGguf file = TokenizerGoldens.OpenGguf(vocabulary);
        var tokenizer = Tokenizer.FromGguf(file.Gguf.Metadata);
        int[] ids = [.. Enumerable.Range(0, tokenizer.VocabularySize)];

        Assert.Equal(golden.Hex, ids.Select(id => Convert.ToHexStringLower(tokenizer.TokenBytes(id).Span)));
        Assert.Equal(golden.EndOfGeneration, ids.Where(tokenizer.IsEndOfGeneration));
        Assert.Equal(golden.Control, ids.Where(id => tokenizer.Kind(id) == TokenKind.Control));
    }

    [Fact]
    public void Every_supported_pre_tokenizer_has_golden_ids()
        => Assert.Equal(PreTokenizer.SupportedNames, TokenizerGoldens.PreTokenizers.Order(StringComparer.Ordinal));

    static void AssertSame(int[] expected, int[] actual, byte[] text, string mode)
    {
        if (expected.AsSpan().SequenceEqual(actual)) return;
        Assert.Fail($"""
            {mode} ids of '{Encoding.UTF8.GetString(text)}' ({Convert.ToHexStringLower(text)}):
            expected [{string.Join(", ", expected)}]
            actual   [{string.Join(", ", actual)}]
            """);
    }
}
