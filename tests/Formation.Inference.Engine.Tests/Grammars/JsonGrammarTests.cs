using System.Text.Json;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class JsonGrammarTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{ }")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("-0")]
    [InlineData("0.5e-10")]
    [InlineData("12345678901234567")]
    [InlineData("\"\"")]
    [InlineData("\"é😀 \\\" \\\\ \\/ \\n \\u00e9 \\uD83D\\ude00 \\uE000\"")]
    [InlineData("{\"a\":[1,2,{\"b\":null}]}")]
    [InlineData("{\"a\": [1, 2], \"\": false}")]
    [InlineData("{\n  \"a\": [\n\t\t1,\n\t\t2\n  ]\n}")]
    public void Any_value_may_be_written_as_JSON(string text)
    {
        using var parsed = JsonDocument.Parse(text);
        Assert.True(new GrammarWalk(JsonGrammar.Value).Takes(text));
        Assert.Equal(parsed.RootElement.ValueKind == JsonValueKind.Object, new GrammarWalk(JsonGrammar.Object).Takes(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{,}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\" :1}")]
    [InlineData("{a:1}")]
    [InlineData("[1 2]")]
    [InlineData("[1,]")]
    [InlineData("01")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("+1")]
    [InlineData("1e999")]
    [InlineData("NaN")]
    [InlineData("True")]
    [InlineData("'a'")]
    [InlineData("\"\n\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\ud83d\"")]
    [InlineData("\"\\ude00\\ud83d\"")]
    [InlineData("[  1]")]
    [InlineData("[\n\n1]")]
    [InlineData("{} ")]
    public void What_is_no_JSON_or_could_go_on_for_ever_may_not(string text) => Assert.False(new GrammarWalk(JsonGrammar.Value).Takes(text));

    [Fact]
    public void White_space_ends()
    {
        Assert.True(new GrammarWalk(JsonGrammar.Value).Takes($"[\n{new string(' ', JsonGrammar.MostIndent)}1]"));
        Assert.False(new GrammarWalk(JsonGrammar.Value).Takes($"[\n{new string(' ', JsonGrammar.MostIndent + 1)}1]"));
    }

    /// <summary>By .NET's reader of JSON.</summary>
    [Fact]
    public void Whatever_is_written_at_random_is_JSON()
    {
        var walk = new GrammarWalk(JsonGrammar.Object);
        var random = new Random(11);
        for (var round = 0; round < 200; round++)
        {
            var text = walk.Write(random, random.Next(80), 4000);
            Assert.NotNull(text);
            using var parsed = JsonDocument.Parse(text);
            Assert.Equal(JsonValueKind.Object, parsed.RootElement.ValueKind);
            Read(parsed.RootElement);
        }

        // Half a surrogate pair, or a number out of range, is found only when it is asked for.
        static void Read(JsonElement value)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var property in value.EnumerateObject())
                    {
                        Assert.NotNull(property.Name);
                        Read(property.Value);
                    }
                    break;
                case JsonValueKind.Array:
                    foreach (var item in value.EnumerateArray())
                        Read(item);
                    break;
                case JsonValueKind.String:
                    Assert.NotNull(value.GetString());
                    break;
                case JsonValueKind.Number:
                    Assert.True(double.IsFinite(value.GetDouble()));
                    break;
            }
        }
    }
}
