using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class GbnfParserTests
{
    [Theory]
    [InlineData("root ::= \"a\" \"b\"", "ab", "a")]
    [InlineData("root ::= \"a\" | \"b\" |", "a b ", "ab")]
    [InlineData("root ::= \"ab\"* \"c\"+ \"d\"?", "c ababccd", "ab d")]
    [InlineData("root ::= [a-c] [^a-c\\n] .", "axx c日b", "aax")]
    [InlineData("root ::= [a-] [\\]\\[^] [-b]", "a]b -^- a[-", "b]b")]
    [InlineData("root ::= \"a\"{2} \"b\"{1,} \"c\"{0,2} \"d\"{ 1 , 1 }", "aabd aabbbccd", "abd aabcccd aab")]
    [InlineData("root ::= (\"a\" | \"b\" one)* # as often as one likes\none ::= \"1\"", " a ab1b1", "ab 1")]
    [InlineData("# what\n\nroot ::=\n  other-2 |\n  \"x\"\r\nother-2 ::= (\n  \"y\"\n  \"z\" # last\n)\n", "x yz", "y")]
    [InlineData("root ::= \"(\" root \")\" | \"\"", " () (())", "(()")]
    [InlineData("root ::= \"\\x41\\u00e9\\U0001F600\\t\\\"\\\\\"", "Aé😀\t\"\\", "A")]
    [InlineData("root ::= a\na ::= \"a\"\n\n  b ::= a a", "a", "aa")]
    public void A_grammar_takes_what_it_describes(string grammar, string taken, string refused)
    {
        var walk = new GrammarWalk(GbnfParser.Parse(grammar));
        Assert.All(taken.Split(' '), text => Assert.True(walk.Takes(text), text));
        Assert.All(refused.Split(' '), text => Assert.False(walk.Takes(text), text));
    }

    /// <summary>A grammar as users write them: arithmetic, an assignment a line.</summary>
    [Fact]
    public void A_grammar_of_several_rules_is_followed()
    {
        var walk = new GrammarWalk(GbnfParser.Parse(
            """
            # Lines such as  x = (1 + y) * 2
            root  ::= (name " = " sum "\n")+
            sum   ::= term ([-+*/] term)*
            term  ::= name | num | "(" sum ")"   # no left recursion
            name  ::= [a-z] [a-z0-9_]{0,7}
            num   ::= [0-9]+ ("." [0-9]+)?
            """));
        Assert.True(walk.Takes("x = (1+y)*2.5\nlonger_1 = x\n"));
        Assert.False(walk.Takes("x = 1"));
        Assert.False(walk.Takes("muchlonger = 1\n"));
    }

    [Theory]
    [InlineData("root = \"a\"", 1, 6, "'::=' is missing")]
    [InlineData("root ::= \"a\n", 1, 10, "'\"' is not closed")]
    [InlineData("root ::= [a", 1, 10, "'[' is not closed")]
    [InlineData("root ::= []", 1, 10, "a class has no character")]
    [InlineData("root ::= [z-a]", 1, 10, "runs backwards")]
    [InlineData("root ::= (\"a\"\n\"b\"", 1, 10, "'(' is not closed")]
    [InlineData("root ::= \"a\" )", 1, 14, "')' has no '('")]
    [InlineData("root ::= \"a\"\n  * \"b\"", 2, 3, "a rule begins with its name")]
    [InlineData("root ::= * \"b\"", 1, 10, "nothing before it")]
    [InlineData("root ::= \"a\"{x}", 1, 14, "no number")]
    [InlineData("root ::= \"a\"{1000000}", 1, 14, "up to 100000")]
    [InlineData("root ::= \"a\"{3,2}", 1, 18, "3 to 2")]
    [InlineData("root ::= \"a\"{3", 1, 15, "not closed")]
    [InlineData("root ::= \"\\q\"", 1, 12, "no such escape")]
    [InlineData("root ::= \"\\xg0\"", 1, 13, "hexadecimal digits")]
    [InlineData("root ::= \"\\ud83d\"", 1, 13, "no character")]
    [InlineData("root ::= a\nb ::= \"b\"\n", 1, 10, "no rule 'a'")]
    [InlineData("root ::= \"a\"\nb ::= \"b\"\nb ::= \"c\"", 3, 1, "a rule 'b' already")]
    [InlineData("b ::= \"b\"", 1, 10, "no rule 'root'")]
    [InlineData("", 1, 1, "no rule 'root'")]
    [InlineData("root ::= <[12]>", 1, 10, "single tokens")]
    [InlineData("root ::= \"a\" }", 1, 14, "can't stand in a rule")]
    public void What_can_not_be_used_is_refused_with_where_and_why(string grammar, int line, int column, string reason)
    {
        var message = Assert.Throws<GrammarException>(() => GbnfParser.Parse(grammar)).Message;
        Assert.Contains($"line {line}, column {column}:", message);
        Assert.Contains(reason, message);
    }

    [Fact]
    public void What_is_too_long_or_too_deep_is_refused()
    {
        Assert.Contains("262144 are allowed", Assert.Throws<GrammarException>(() => GbnfParser.Parse(new string('#', 300_000))).Message);
        Assert.Contains("deep in each other", Assert.Throws<GrammarException>(() => GbnfParser.Parse("root ::= " + new string('(', 50_000))).Message);
    }
}
