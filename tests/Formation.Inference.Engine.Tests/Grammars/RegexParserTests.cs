using System.Text;
using System.Text.RegularExpressions;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class RegexParserTests
{
    private static readonly string[] Texts =
    [
        "", "a", "b", "ab", "ba", "aab", "abc", "aaa", "aaaa", "A", "0", "7", "42", "007", "-42", "3.14", "1e9", "x1", "_x", "a-b", "a b", " ", "\n", "\t", "é", "éa", "日本", "😀", "a😀",
        "2026-11-23", "12:30:59", "ada@example.org", "(123) 456-7890", "123-4567", "#ff00AA", "550e8400-e29b-41d4-a716-446655440000", "192.168.0.1", "999.1.1.1", "]", "^", "$", "\\", "/", "a]",
        "foo", "foobar", "barfoo", "fo", "-", "a-", "[x]", "{2}", "aa", "u00e9", "\u00A0", "1,5",
    ];

    /// <summary>By .NET's own regular expressions.</summary>
    [Theory]
    [InlineData("a|b")]
    [InlineData("(?:a|b)*")]
    [InlineData("(a+)(b?)c?")]
    [InlineData("(?<letters>[a-z]+)(?<digits>[0-9]*)")]
    [InlineData("[^a-z0-9]+")]
    [InlineData("[-a]+")]
    [InlineData("[a-]+")]
    [InlineData(@"[\]\^\\$/-]")]
    [InlineData(@"[\w.-]+@[\w-]+\.[a-z]{2,}")]
    [InlineData(@"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")]
    [InlineData(@"[0-9]{4}-[0-9]{2}-[0-9]{2}")]
    [InlineData(@"(\([0-9]{3}\) )?[0-9]{3}-[0-9]{4}")]
    [InlineData("#?([a-fA-F0-9]{6}|[a-fA-F0-9]{3})")]
    [InlineData("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")]
    [InlineData(@"((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])")]
    [InlineData("a{2}|a{3,}")]
    [InlineData("a*?b+?")]
    [InlineData("(a*)*")]
    [InlineData("(a|a)*b")]
    [InlineData(@"\x61\u0062?")]
    [InlineData("é|日.")]
    [InlineData(@"\S+\s\S+")]
    [InlineData(@"\t|\n|[ \f\v\r]")]
    [InlineData("")]
    [InlineData("a||b")]
    public void An_expression_takes_the_texts_that_it_matches_as_a_whole(string pattern)
    {
        var matcher = GrammarMatcherTests.Matcher(RegexParser.Whole(pattern));
        var regex = new Regex($"^(?:{pattern})\\z", RegexOptions.CultureInvariant);
        Assert.All(Texts.Where(IsOneUnitEach), text => Assert.Equal(regex.IsMatch(text), Takes(matcher, text)));
    }

    /// <summary>By .NET's own regular expressions.</summary>
    [Theory]
    [InlineData("^foo")]
    [InlineData("foo$")]
    [InlineData("^foo$")]
    [InlineData("foo")]
    [InlineData("^a|b$")]
    [InlineData("^(?:a|b)+$")]
    [InlineData("")]
    [InlineData("^$")]
    [InlineData("[0-9]")]
    public void An_expression_matches_anywhere_unless_it_says_where(string pattern)
    {
        var matcher = GrammarMatcherTests.Matcher(RegexParser.Somewhere(pattern).Expression!);
        var regex = new Regex(pattern.Replace("$", "\\z", StringComparison.Ordinal), RegexOptions.CultureInvariant);
        Assert.All(Texts, text => Assert.Equal(regex.IsMatch(text), Takes(matcher, text)));
    }

    /// <summary>By .NET's own regular expressions.</summary>
    [Theory]
    [InlineData("^(?=.*b)[a-c]*$")]
    [InlineData("^(?!.*oo)[a-z]*$")]
    [InlineData("^(?!foo$)(?=f|a).*$")]
    [InlineData("^(?!^a*$)[ab]*$")]
    [InlineData("^(?=a)(?!ab)")]
    [InlineData("^(?!a|b)(?:c|foo|a)+")]
    public void An_expression_may_look_ahead_at_its_beginning(string pattern)
    {
        var language = RegexParser.Somewhere(pattern);
        Assert.Null(language.Expression);
        var regex = new Regex(pattern.Replace("$", "\\z", StringComparison.Ordinal), RegexOptions.CultureInvariant);
        Assert.All(Texts, text => Assert.Equal(regex.IsMatch(text), language.Automaton.Takes(text)));
        Assert.Contains(Texts, language.Automaton.Takes);
    }

    [Fact]
    public void Characters_are_whole_code_points()
    {
        var matcher = GrammarMatcherTests.Matcher(RegexParser.Whole(@".|[\u{1F600}-\u{1F64F}]x|\uD83D\uDE00y"));
        foreach (var text in (string[])["😀", "é", "😀x", "🙏x", "😀y"])
            Assert.True(Takes(matcher, text), text);
        Assert.False(Takes(matcher, "🙏y"));
    }

    [Theory]
    [InlineData("(a", "'(' is not closed")]
    [InlineData("a)", "')' has no '('")]
    [InlineData("[a", "'[' is not closed")]
    [InlineData("[]", "a class has no character")]
    [InlineData("[z-a]", "backwards")]
    [InlineData(@"[a-\d]", "to a class")]
    [InlineData("*a", "nothing before it")]
    [InlineData("a**", "follows another one")]
    [InlineData("a{2", "not closed")]
    [InlineData("a{3,2}", "3 to 2")]
    [InlineData("a{1000000}", "up to 100000")]
    [InlineData("a{-1}", "up to 100000")]
    [InlineData(@"(a)\1", "back reference")]
    [InlineData(@"\bword", "border of words")]
    [InlineData("(?=a)b", "looks around")]
    [InlineData("^a(?!b)", "looks around")]
    [InlineData("^(?=(?!b)a)a", "looks around")]
    [InlineData("^(?=a", "'(' is not closed")]
    [InlineData("^(?=a)*b", "nothing before it")]
    [InlineData("^(?=a)a|b", "before one of several alternatives")]
    [InlineData("(?<!a)b", "looks around")]
    [InlineData("(?i)a", "looks around or sets options")]
    [InlineData(@"\p{L}", "Unicode properties")]
    [InlineData(@"\q", "no escape '\\q'")]
    [InlineData("a\\", "ends with a backslash")]
    [InlineData(@"\u12", "hexadecimal digits are missing")]
    [InlineData(@"\uD83D", "surrogate")]
    [InlineData(@"\u{110000}", "no character")]
    [InlineData("a$b", "'$' stands before")]
    [InlineData("(^a)", "an anchor stands")]
    public void What_can_not_be_used_is_refused_with_where_and_why(string pattern, string reason)
    {
        var error = Assert.Throws<GrammarException>(() => RegexParser.Somewhere(pattern));
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void What_is_too_long_or_too_deep_is_refused()
    {
        Assert.Contains("16384 are allowed", Assert.Throws<GrammarException>(() => RegexParser.Whole(new string('a', 60_000))).Message);
        Assert.Contains("deep in each other", Assert.Throws<GrammarException>(() => RegexParser.Whole(new string('(', 5_000))).Message);
    }

    // .NET's expressions work on units of UTF-16.
    private static bool IsOneUnitEach(string text) => !text.Any(char.IsSurrogate);

    private static bool Takes(GrammarMatcher matcher, string text) =>
        matcher.Step(matcher.Start, Encoding.UTF8.GetBytes(text)) is var place and not GrammarMatcher.Dead && matcher.MayEnd(place);
}
