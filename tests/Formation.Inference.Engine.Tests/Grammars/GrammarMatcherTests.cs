using System.Text;
using System.Text.RegularExpressions;
using Formation.Inference.Engine.Grammars;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class GrammarMatcherTests
{
    private const string Alphabet = "abc";

    /// <summary>By .NET's regular expressions, on all short texts.</summary>
    [Fact]
    public void Random_expressions_take_the_texts_that_a_regular_expression_of_the_same_meaning_takes()
    {
        var random = new Random(7);
        var texts = Texts(5).ToList();
        for (var round = 0; round < 300; round++)
        {
            var (expression, pattern) = Random(random, 3);
            var matcher = Matcher(expression);
            var regex = new Regex($"^(?:{pattern})\\z", RegexOptions.NonBacktracking);
            foreach (var text in texts)
                if (regex.IsMatch(text) != Takes(matcher, text))
                    Assert.Fail($"{pattern} and '{text}'");
        }
    }

    [Fact]
    public void Rules_that_call_themselves_count_brackets()
    {
        var matcher = Matcher(("root", Repeat(Rule("pair"), 0, null)), ("pair", Sequence(Text("("), Rule("root"), Text(")"))));
        foreach (var text in (string[])["", "()", "(())()", "((()())())"])
            Assert.True(Takes(matcher, text), text);
        foreach (var text in (string[])["(", ")", "())", "(()", "a"])
            Assert.False(Takes(matcher, text), text);
        Assert.NotEqual(GrammarMatcher.Dead, matcher.Step(matcher.Start, "((("u8));
    }

    [Fact]
    public void A_list_that_calls_itself_at_its_end_may_be_as_long_as_it_likes()
    {
        var matcher = Matcher(("root", Sequence(Text("a"), Optional(Sequence(Text(","), Rule("root"))))));
        var place = matcher.Step(matcher.Start, "a"u8);
        for (var i = 0; i < 10 * GrammarMatcher.MostDepth; i++)
            place = matcher.Step(place, ",a"u8);
        Assert.True(matcher.MayEnd(place));
        Assert.True(matcher.Count < 10);
    }

    [Fact]
    public void What_stands_too_deep_is_not_allowed_and_all_else_is()
    {
        var matcher = Matcher(("root", Choice(Text("x"), Sequence(Text("("), Rule("root"), Text(")")))));
        var place = matcher.Start;
        var depth = 0;
        for (; matcher.Step(place, (byte)'(') is var next and not GrammarMatcher.Dead; depth++)
            place = next;
        Assert.InRange(depth, GrammarMatcher.MostDepth - 1, GrammarMatcher.MostDepth + 1);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    public void A_rule_that_begins_with_itself_is_refused_by_name(string name)
    {
        var rules = new Dictionary<string, GrammarExpression>
        {
            ["root"] = Rule(name),
            ["a"] = Choice(Sequence(Rule("a"), Text("+"), Text("1")), Text("1")),
            ["ab"] = Sequence(Rule("nothing"), Rule("ba")),
            ["ba"] = Sequence(Optional(Text("-")), Rule("ab")),
            ["nothing"] = Repeat(Text("n"), 0, null),
        };
        foreach (var other in rules.Keys.Except(["root", name, "ba", "nothing"]).ToList())
            rules.Remove(other);
        if (name == "a")
            rules.Remove("ba");
        var error = Assert.Throws<GrammarException>(() => GrammarCompiler.Compile(new GrammarDefinition("root", rules)));
        Assert.Contains("begins with itself", error.Message);
    }

    [Fact]
    public void What_is_too_large_or_too_deep_or_is_not_there_is_refused()
    {
        Refused("too large", Repeat(Characters(CharacterRange.All), 100_000, 100_000));
        Refused("too large", Repeat(Repeat(Repeat(Text("a"), 0, 1000), 0, 1000), 0, 1000));
        Refused("no rule 'other'", Rule("other"));
        Refused("3 to 2 times", Repeat(Text("a"), 3, 2));
        var deep = Text("a");
        for (var i = 0; i < 60_000; i++)
            deep = new GrammarSequence([deep]);
        Refused("deep in each other", deep);

        static void Refused(string reason, GrammarExpression expression) =>
            Assert.Contains(reason, Assert.Throws<GrammarException>(() => GrammarCompiler.Compile(GrammarDefinition.Of(expression))).Message);
    }

    [Fact]
    public void A_text_with_too_many_readings_ends_with_an_error_and_not_with_all_memory()
    {
        // Each letter may have been one of two rules that end differently.
        var matcher = Matcher(
            ("root", Choice(Sequence(Text("a"), Rule("root"), Text("b")), Sequence(Text("a"), Rule("root"), Text("c")), Text("."))));
        var place = matcher.Start;
        Assert.Throws<GrammarException>(() =>
        {
            for (var i = 0; i < 64; i++)
                place = matcher.Step(place, (byte)'a');
        });
    }

    [Fact]
    public void What_is_forgotten_is_found_again_for_the_texts_that_go_on()
    {
        // Each row of open brackets is a place of its own.
        var matcher = Matcher(("root", Choice(Text("x"), Sequence(Text("("), Rule("root"), Text(")")), Sequence(Text("["), Rule("root"), Text("]")))));
        var random = new Random(1);
        var cleared = 0;
        for (var round = 0; round < 60; round++)
        {
            var open = Enumerable.Range(0, random.Next(1, 900)).Select(_ => random.Next(2) == 0 ? (byte)'(' : (byte)'[').ToArray();
            var before = matcher.Step(matcher.Start, open);
            Assert.NotEqual(GrammarMatcher.Dead, before);
            cleared += matcher.Clear() ? 1 : 0;

            var place = matcher.Step(matcher.Step(matcher.Start, open), (byte)'x');
            foreach (var bracket in open.Reverse())
                place = matcher.Step(place, bracket == '(' ? (byte)')' : (byte)']');
            Assert.True(matcher.MayEnd(place));
            Assert.False(matcher.MayGoOn(place));
        }
        Assert.True(cleared > 0);
        Assert.True(matcher.Count <= GrammarMatcher.MostPlaces + 2_000);
    }

    internal static GrammarMatcher Matcher(GrammarExpression expression) => new(GrammarCompiler.Compile(GrammarDefinition.Of(expression)));

    internal static GrammarMatcher Matcher(params (string Name, GrammarExpression Expression)[] rules) =>
        new(GrammarCompiler.Compile(new GrammarDefinition("root", rules.ToDictionary(rule => rule.Name, rule => rule.Expression))));

    private static bool Takes(GrammarMatcher matcher, string text) =>
        matcher.Step(matcher.Start, Encoding.UTF8.GetBytes(text)) is var place and not GrammarMatcher.Dead && matcher.MayEnd(place);

    private static IEnumerable<string> Texts(int length)
    {
        IEnumerable<string> texts = [""];
        for (var i = 0; i <= length; i++)
        {
            foreach (var text in texts)
                yield return text;
            texts = [.. texts.SelectMany(text => Alphabet.Select(next => text + next))];
        }
    }

    internal static (GrammarExpression Expression, string Pattern) Random(Random random, int depth)
    {
        switch (depth == 0 ? random.Next(3) : random.Next(7))
        {
            case 0:
                var letter = Alphabet[random.Next(Alphabet.Length)];
                return (Text($"{letter}"), $"{letter}");
            case 1:
                return (Characters(new CharacterRange('a', 'b')), "[ab]");
            case 2:
                return (AnyBut(CharacterRange.Of('a')), "[^a]");
            case 3:
            case 4:
                var parts = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Random(random, depth - 1)).ToList();
                return (Sequence([.. parts.Select(part => part.Expression)]), string.Concat(parts.Select(part => $"(?:{part.Pattern})")));
            case 5:
                var alternatives = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Random(random, depth - 1)).ToList();
                return (Choice([.. alternatives.Select(part => part.Expression)]), string.Join('|', alternatives.Select(part => $"(?:{part.Pattern})")));
            default:
                var (item, pattern) = Random(random, depth - 1);
                var least = random.Next(3);
                int? most = random.Next(3) == 0 ? null : least + random.Next(3);
                return (Repeat(item, least, most), $"(?:{pattern}){{{least},{most}}}");
        }
    }
}
