using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Tokenization;

public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("gpt-2", "Hello  world's 12345!", "Hello| | world|'s| 12345|!")]
    [InlineData("llama-bpe", "Hello  world'S 12345!\n\n x", "Hello| | world|'S| |123|45|!\n\n| x")]
    [InlineData("qwen2", "a 12", "a| |1|2")]
    [InlineData("starcoder", "a 12", "a| |1|2")]
    [InlineData("falcon", "x==12345", "x|==|123|45")]
    [InlineData("tekken", "camelCase HTTPServer ÉA", "camel|Case| HTTPServer| É|A")]
    [InlineData("gpt-4o", "we'LL 1234", "we'LL| |123|4")]
    [InlineData("deepseek-llm", "Helloé 12  ", "Hello|é| |12|  ")]
    [InlineData("deepseek-coder", "a, b\n12", "a|,| b|\n|1|2")]
    [InlineData("deepseek-v3", "x_test 漢字 1234", "x|_test| |漢字| |123|4")]
    public void Words_follow_the_rule_of_the_name(string name, string text, string words)
    {
        IEnumerable<string> split = PreTokenizer.ForName(name).Split(text).Select(word => text.Substring(word.Start, word.Length));
        Assert.Equal(words, string.Join('|', split));
    }

    [Fact]
    public void Words_of_every_rule_cover_the_text_without_gaps()
    {
        const string Text = "a\ud83d\ude00 \r\n\t٣٤٥ ﬁ'Re  \ud800x 漢字\u0301 ~~ 1234567 ";
        foreach (string name in PreTokenizer.SupportedNames)
        {
            int end = 0;
            foreach (TextRange word in PreTokenizer.ForName(name).Split(Text))
            {
                Assert.Equal(end, word.Start);
                Assert.True(word.Length > 0);
                end = word.End;
            }
            Assert.Equal(Text.Length, end);
        }
    }

    [Fact]
    public void Empty_text_has_no_words() => Assert.Empty(PreTokenizer.ForName("falcon").Split(""));

    [Fact]
    public void An_unknown_name_is_refused_with_the_names_that_are_known()
    {
        var error = Assert.Throws<NotSupportedException>(() => PreTokenizer.ForName("no-such\u001b"));
        Assert.Contains("'no-such?'", error.Message);
        Assert.Contains("llama-bpe", error.Message);
    }
}
