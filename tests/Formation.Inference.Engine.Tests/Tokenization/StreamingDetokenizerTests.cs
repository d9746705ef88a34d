using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

public sealed class StreamingDetokenizerTests
{
    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void Pieces_of_random_tokens_are_whole_characters_and_add_up_to_the_whole_decoding(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        var random = new Random(20260417);
        for (int round = 0; round < 300; round++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => RandomId(tokenizer, random))];
            var detokenizer = new StreamingDetokenizer(tokenizer, renderControl: true);
            var streamed = new StringBuilder();
            foreach (int id in ids) AppendChecked(streamed, detokenizer.Append(id));
            AppendChecked(streamed, detokenizer.Flush());

            byte[] bytes = [.. ids.SelectMany(id => tokenizer.TokenBytes(id).ToArray())];
            Assert.Equal(Encoding.UTF8.GetString(bytes), streamed.ToString());
        }
    }

    [Fact]
    public void Every_split_of_every_golden_text_into_byte_tokens_decodes_as_the_whole()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("spm"));
        int firstByte = Enumerable.Range(0, tokenizer.VocabularySize).First(id => tokenizer.Kind(id) == TokenKind.Byte);
        foreach (byte[] text in TokenizerGoldens.Texts)
        {
            var detokenizer = new StreamingDetokenizer(tokenizer);
            var streamed = new StringBuilder();
            foreach (byte value in text) AppendChecked(streamed, detokenizer.Append(firstByte + value));
            AppendChecked(streamed, detokenizer.Flush());
            Assert.Equal(Encoding.UTF8.GetString(text), streamed.ToString());
        }
    }

    [Fact]
    public void A_character_appears_with_its_last_byte()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        var detokenizer = new StreamingDetokenizer(tokenizer);
        byte[] smile = Encoding.UTF8.GetBytes("😀");
        Assert.Equal(["", "", "", "😀"], smile.Select(value => detokenizer.Append(ByteToken(tokenizer, value))));
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void A_byte_that_ends_an_unfinished_character_shows_it_as_invalid_and_is_not_lost()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        var detokenizer = new StreamingDetokenizer(tokenizer);
        Assert.Equal("", detokenizer.Append(ByteToken(tokenizer, 0xE2)));
        Assert.Equal("", detokenizer.Append(ByteToken(tokenizer, 0x82)));
        Assert.Equal("\ufffda", detokenizer.Append(ByteToken(tokenizer, (byte)'a')));
    }

    [Fact]
    public void An_unfinished_character_is_flushed_as_invalid()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        var detokenizer = new StreamingDetokenizer(tokenizer);
        detokenizer.Append(ByteToken(tokenizer, 0xF0));
        Assert.Equal("\ufffd", detokenizer.Flush());
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void The_space_in_front_of_a_sentence_piece_text_is_dropped_only_where_a_text_starts()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("spm"));
        int[] ids = tokenizer.Encode(PromptText.Plain("  hello"), addSpecial: true);
        Assert.Equal("  hello", tokenizer.Decode(ids));

        var continuing = new StreamingDetokenizer(tokenizer);
        Assert.Equal("   hello", string.Concat(ids.Select(continuing.Append)));
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    public void Valid_text_survives_a_round_trip(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        foreach (byte[] bytes in TokenizerGoldens.Texts)
        {
            string text = Encoding.UTF8.GetString(bytes);
            int[] ids = tokenizer.Encode(PromptText.Plain(text), addSpecial: false);
            // U+2581 is SentencePiece's own sign for a space; the two can't be told apart afterwards.
            string expected = vocabulary == "spm" ? text.Replace('\u2581', ' ') : text;
            if (!HasUserDefined(tokenizer, ids)) Assert.Equal(expected, tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void Control_tokens_show_only_when_asked_for()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        int[] ids = tokenizer.Encode(PromptText.Trusted("<|im_start|>hi<|im_end|>"), addSpecial: false);
        Assert.Equal("hi", tokenizer.Decode(ids));
        Assert.Equal("<|im_start|>hi<|im_end|>", tokenizer.Decode(ids, renderControl: true));
    }

    [Fact]
    public void User_defined_tokens_are_text()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        int[] ids = tokenizer.Encode(PromptText.Plain("<tool_call>x"), addSpecial: false);
        Assert.Equal(tokenizer.FindSpecial("<tool_call>"), ids[0]);
        Assert.Equal("<tool_call>x", tokenizer.Decode(ids));
    }

    [Fact]
    public void An_id_outside_the_vocabulary_is_refused()
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition("bpe"));
        var detokenizer = new StreamingDetokenizer(tokenizer);
        Assert.Throws<ArgumentOutOfRangeException>(() => detokenizer.Append(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => detokenizer.Append(tokenizer.VocabularySize));
    }

    /// <summary>Often a token that ends inside a character: those are what a detokenizer gets wrong.</summary>
    static int RandomId(Tokenizer tokenizer, Random random)
    {
        int id = random.Next(tokenizer.VocabularySize);
        for (int attempt = 0; attempt < 8 && random.Next(3) > 0; attempt++)
        {
            if (tokenizer.TokenBytes(id).Span is [.., >= 0x80]) return id;
            id = random.Next(tokenizer.VocabularySize);
        }
        return id;
    }

    static bool HasUserDefined(Tokenizer tokenizer, int[] ids) => ids.Any(id => tokenizer.Kind(id) == TokenKind.UserDefined);

    static int ByteToken(Tokenizer tokenizer, byte value)
        => Enumerable.Range(0, tokenizer.VocabularySize).First(id => tokenizer.TokenBytes(id).Span.SequenceEqual([value]));

    static void AppendChecked(StringBuilder streamed, string piece)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            if (char.IsHighSurrogate(piece[i])) Assert.True(++i < piece.Length && char.IsLowSurrogate(piece[i]), "a lone high surrogate");
            else Assert.False(char.IsLowSurrogate(piece[i]), "a lone low surrogate");
        }
        streamed.Append(piece);
    }
}
