using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Work grows with the length of the text, whatever is in it. Steps are counted, not time.</summary>
public sealed class EncodingCostTests
{
    static readonly string[] HostileUnits =
    [
        "a", "A", "é", "漢", " ", "\n", " \n", "'", "'s", "7", "~", "aA", "<|im_start", "\u0301", "x ", "ab", "!a",
    ];

    static readonly string[] OneNameOfEachRule =
    [
        "default", "gpt-2", "starcoder", "falcon", "llama-bpe", "qwen2", "qwen35", "tekken", "gpt-4o", "deepseek-llm", "deepseek-coder",
        "deepseek-v3",
    ];

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void Twice_the_text_is_at_most_little_more_than_twice_the_steps(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        foreach (string unit in HostileUnits)
        {
            long once = Steps(tokenizer, Repeat(unit, 10_000)), twice = Steps(tokenizer, Repeat(unit, 20_000));
            Assert.True(twice <= 2.1 * once + 100, $"{unit}: {once} steps for 10,000 bytes and {twice} for 20,000");
        }
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void A_megabyte_of_one_letter_takes_a_few_steps_a_byte(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        byte[] text = Repeat("a", 1 << 20);
        Assert.InRange(Steps(tokenizer, text), 0, 8L * text.Length);
    }

    [Fact]
    public void Merges_that_pile_up_stay_linear()
    {
        // Each merge doubles a run, so that every level of the pile has to be built.
        string[] runs = [.. Enumerable.Range(1, 10).Select(level => new string('a', 1 << level))];
        string[] merges = [.. runs.Select(run => $"{run[..(run.Length / 2)]} {run[..(run.Length / 2)]}")];
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(runs, merges: merges));
        byte[] text = Repeat("a", 1 << 18);
        Assert.InRange(Steps(tokenizer, text), text.Length / 2, 4L * text.Length);
        int[] ids = tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false);
        Assert.Equal(text.Length >> 10, ids.Length);
        Assert.All(ids, id => Assert.Equal(256 + 9, id));
    }

    [Fact]
    public void Every_rule_splits_long_hostile_text()
    {
        // A rule that looked at a character more than a few times would not get through this.
        foreach (string name in OneNameOfEachRule)
        {
            PreTokenizer preTokenizer = PreTokenizer.ForName(name);
            foreach (string unit in HostileUnits)
            {
                string text = string.Concat(Enumerable.Repeat(unit, 20_000 / unit.Length)) + "x";
                Assert.Equal(text.Length, preTokenizer.Split(text).Sum(word => word.Length));
            }
        }
    }

    [Fact]
    public void Overlapping_special_tokens_stay_linear()
    {
        string[] runs = [.. Enumerable.Range(2, 60).Select(length => new string('=', length))];
        var tokenizer = Tokenizer.Create(TinyVocabularies.ByteLevel(runs, TokenKind.UserDefined));
        int[] ids = tokenizer.EncodeUtf8(Repeat("=", 61 * 2000), trusted: false, addSpecial: false);
        Assert.Equal(2000, ids.Length);
        Assert.All(ids, id => Assert.Equal(256 + 59, id));
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void Encoding_stops_soon_after_the_most_tokens_that_are_wanted(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        byte[] text = Repeat("the words, 12 of them. ", 23 * 1000);
        int[] all = tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false);
        int[] some = tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false, maxTokens: 100);
        Assert.InRange(some.Length, 101, 200);
        Assert.Equal(all[..some.Length], some);
        Assert.Equal(all, tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false, maxTokens: all.Length));
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("spm")]
    [InlineData("wpm")]
    public void Encoding_can_be_cancelled(string vocabulary)
    {
        var tokenizer = Tokenizer.Create(TokenizerGoldens.Definition(vocabulary));
        byte[] text = Repeat("words of it ", 1 << 18);
        var cancelled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(
            () => tokenizer.EncodeUtf8(text, trusted: false, addSpecial: false, cancellationToken: cancelled));
    }

    static long Steps(Tokenizer tokenizer, byte[] text)
    {
        using EncodingSession session = tokenizer.CreateSession(CancellationToken.None);
        session.Encode(text, [], int.MaxValue);
        return session.Steps;
    }

    static byte[] Repeat(string unit, int bytes)
    {
        byte[] one = Encoding.UTF8.GetBytes(unit), text = new byte[bytes];
        for (int i = 0; i < bytes; i++) text[i] = one[i % one.Length];
        return text;
    }
}
