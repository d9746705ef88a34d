using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class ChoiceGrammarTests
{
    [Fact]
    public void One_of_the_texts_may_be_written_and_nothing_else()
    {
        var walk = new GrammarWalk(ChoiceGrammar.Of(["yes", "yes, but", "no", "no", "日本", "a \"b\"\n"]));
        Assert.All((string[])["yes", "yes, but", "no", "日本", "a \"b\"\n"], text => Assert.True(walk.Takes(text), text));
        Assert.All((string[])["", "ye", "yes,", "yesno", "Yes", "日"], text => Assert.False(walk.Takes(text), text));
    }

    [Fact]
    public void As_many_texts_as_are_allowed_can_be_followed_even_if_they_begin_alike()
    {
        string[] texts = [.. Enumerable.Range(0, ChoiceGrammar.MostTexts).Select(i => $"text-{i:D5}")];
        var walk = new GrammarWalk(ChoiceGrammar.Of(texts));
        Assert.True(walk.Takes(texts[^1]));
        Assert.False(walk.Takes(texts[^1] + "0"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ChoiceGrammar.MostTexts + 1)]
    public void No_texts_or_too_many_are_refused(int count) =>
        Assert.Contains($"has {count} texts", Assert.Throws<GrammarException>(() => ChoiceGrammar.Of([.. Enumerable.Range(0, count).Select(i => $"{i}")])).Message);
}
