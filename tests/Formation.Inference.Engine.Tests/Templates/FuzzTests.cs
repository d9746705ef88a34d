using System.Text;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Tests.Templates;

/// <summary>
/// Random templates and data, from fixed seeds: each renders, or ends in a <see cref="TemplateException"/> within its limits, and what
/// it renders has well-formed control ranges that hold nothing of the data.
/// </summary>
public sealed class FuzzTests
{
    const string Canary = "\u2603canary\u2603";

    static readonly ChatTemplateLimits Limits = ChatTemplateLimits.Default with
    {
        MaxSteps = 20_000,
        MaxOutputLength = 100_000,
        MaxStringLength = 100_000,
        MaxCollectionSize = 5_000,
    };

    static readonly string[] Fragments =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "{%-", "-%}", "{%+", "+%}", " ", "\n", "\r\n", "\t", "(", ")", "[", "]", "{",
        "}", ":", ",", ".", "|", "~", "+", "-", "*", "**", "/", "//", "%", "==", "!=", "<", ">", "<=", ">=", "=", "!", "?", "$", "\\",
        "'", "\"", "'a'", "\"b\\n\"", "'\\x4", "'\\u12", "0", "1", "17", "1.5", "1e9", "0x", "0x1f", "1_0", "999999999999999999999",
        "if", "elif", "else", "endif", "for", "in", "not in", "endfor", "recursive", "set", "endset", "macro", "endmacro", "call",
        "endcall", "caller()", "filter", "endfilter", "with", "endwith", "raw", "endraw", "break", "continue", "generation",
        "endgeneration", "print", "include", "import", "is", "is not", "not", "and", "or", "true", "false", "none", "x", "s", "n", "d",
        "xs", "messages", "loop", "loop.index", "loop(xs)", "namespace(a=1)", "ns.a", "range(9)", "dict(a=1)", "cycler(1,2)", "joiner()",
        "raise_exception(s)", "strftime_now('%Y %q')", "m(1)", "m", "*xs", "**d", "a=1", "upper", "lower", "title", "trim",
        "replace('a','b')", "join(',')", "tojson", "tojson(indent=2)", "length", "first", "last", "list", "items", "sort", "unique",
        "reverse", "map('upper')", "map(attribute='a')", "select('odd')", "selectattr('a')", "groupby('a')", "batch(2)", "slice(2)",
        "indent", "int", "float", "round", "abs", "sum", "min", "max", "default('x')", "string", "e", "center(9)", "truncate(4)",
        "format(1)", "wordcount", "dictsort", "attr('a')", "split()", "split(',')", "strip()", "format(s)", "items()", "keys()",
        "get('a')", "append(1)", "pop()", "find('a')", "count('a')", "zfill(5)", "partition(',')", "[1:]", "[::-1]", "[:2]", "[0]",
        "['a']", ".a", "defined", "odd", "mapping", "divisibleby 3", "in xs", "__class__", "\ud83d\ude00", "\ud83d", "\0", "é",
    ];

    [Fact]
    public void Random_sources_end_in_text_or_one_error() => Run(seed: 1, cases: 3_000, RandomSource);

    [Fact]
    public void Mutations_of_real_templates_end_in_text_or_one_error()
    {
        var files = Directory.GetFiles(GoldenFile.PathOf("families"), "*.jinja").Order(StringComparer.Ordinal);
        var sources = files.Select(File.ReadAllText).ToArray();
        Run(seed: 2, cases: 800, random => Mutate(random, sources[random.Next(sources.Length)]));
    }

    [Fact]
    public void Random_expressions_on_random_data_end_in_text_or_one_error() =>
        Run(seed: 3, cases: 5_000, random => $"a{{{{ {RandomExpression(random, 4)} }}}}b");

    static void Run(int seed, int cases, Func<Random, string> makeSource)
    {
        var random = new Random(seed);
        for (var i = 0; i < cases; i++)
        {
            var source = makeSource(random);
            var variables = Render.Variables(RandomData(random));
            var input = Render.Input(new("user", Canary), new("assistant", Canary)) with { Variables = variables };
            try
            {
                var prompt = ChatTemplate.Compile(source, Limits).Render(input);
                AssertWellFormed(prompt, source);
            }
            catch (TemplateException failure)
            {
                Assert.DoesNotContain("canary", failure.Message);
                Assert.True(failure is { Line: >= 1, Column: >= 1 });
            }
        }
    }

    static void AssertWellFormed(PromptText prompt, string source)
    {
        var end = -1;
        foreach (var range in prompt.ControlRanges)
        {
            Assert.True(range.Start > end && range.Length > 0 && range.End <= prompt.Text.Length, source);
            end = range.End;
        }
        Assert.True(prompt.Text.Length <= Limits.MaxOutputLength);
        Assert.All(prompt.ControlParts(), part => Assert.DoesNotContain("canary", part, StringComparison.OrdinalIgnoreCase));
    }

    static string RandomSource(Random random)
    {
        var source = new StringBuilder();
        for (var i = random.Next(1, 40); i > 0; i--)
            source.Append(Fragments[random.Next(Fragments.Length)]).Append(random.Next(3) == 0 ? " " : "");
        return source.ToString();
    }

    static string Mutate(Random random, string source)
    {
        for (var i = random.Next(1, 6); i > 0 && source.Length > 2; i--)
        {
            var (at, length) = (random.Next(source.Length), random.Next(1, 12));
            length = Math.Min(length, source.Length - at);
            source = random.Next(3) switch
            {
                0 => source.Remove(at, length),
                1 => source.Insert(at, Fragments[random.Next(Fragments.Length)]),
                _ => source.Insert(random.Next(source.Length), source.Substring(at, length)),
            };
        }
        return source;
    }

    static string RandomExpression(Random random, int depth)
    {
        string[] atoms =
        [
            "x", "s", "n", "d", "xs", "missing", "1", "-3", "2.5", "'a-b'", "''", "true", "none", "[]", "{}", "messages",
            "messages[0].content", "range(5)", "10**9",
        ];
        if (depth == 0)
            return atoms[random.Next(atoms.Length)];
        string Next() => RandomExpression(random, random.Next(depth));
        string[] filters =
        [
            "upper", "lower", "title", "capitalize", "trim", "tojson", "tojson(indent=1)", "length", "first", "last", "list",
            "items|list", "sort", "unique|list", "reverse|list", "join('-')", "int", "float", "round(1)", "abs", "sum", "min", "max",
            "default('d', true)", "string", "e", "center(12)", "truncate(5, true)", "wordcount", "dictsort", "indent(2, true)",
            "batch(2, 0)|list", "slice(2)|list", "map('string')|list", "select|list", "reject('none')|list", "replace('a', 'bb')",
            "format(1, 2)",
        ];
        string[] methods =
        [
            "upper()", "split()", "split('a', 1)", "rsplit('-')", "strip('a')", "replace('a', s)", "find('a', -2)", "count('')",
            "partition('-')", "title()", "splitlines()", "zfill(9)", "ljust(9, '.')", "format(1, s)", "join(xs)", "startswith('a')",
            "keys()|list", "items()|list", "values()|list", "get('a', 5)", "copy()", "pop()", "append(2)", "insert(-1, 3)", "index(1)",
            "extend([1])", "nope", "__class__", "encode()",
        ];
        string[] operators = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"];
        string[] tests =
        [
            "defined", "none", "string", "number", "mapping", "sequence", "odd", "in xs", "eq 1", "lt 3", "upper", "sameas x",
            "divisibleby 2", "not iterable",
        ];
        return random.Next(9) switch
        {
            0 or 1 => $"({Next()} {operators[random.Next(operators.Length)]} {Next()})",
            2 or 3 => $"({Next()})|{filters[random.Next(filters.Length)]}",
            4 => $"({Next()}).{methods[random.Next(methods.Length)]}",
            5 => $"({Next()} is {tests[random.Next(tests.Length)]})",
            6 => $"({Next()})[{(random.Next(2) == 0 ? Next() : $"{random.Next(-3, 3)}:{random.Next(-3, 6)}:{random.Next(1, 3)}")}]",
            7 => $"[{Next()}, {Next()}]",
            _ => $"({Next()} if {Next()} else {Next()})",
        };
    }

    static string RandomData(Random random) => $$"""
        {"x": {{RandomJson(random, 3)}}, "s": "{{Canary}} a-b\u0000 \ud83d\ude00", "n": {{random.Next(-5, 100)}},
         "d": {"a": {{RandomJson(random, 2)}}, "{{Canary}}": 1},
         "xs": [{{RandomJson(random, 1)}}, {{RandomJson(random, 2)}}, 3]}
        """;

    static string RandomJson(Random random, int depth) => random.Next(depth > 0 ? 9 : 7) switch
    {
        0 => "null",
        1 => "true",
        2 => random.Next(-1000, 1000).ToString(System.Globalization.CultureInfo.InvariantCulture),
        3 => "-0.0",
        4 => "1e300",
        5 => "\"\"",
        6 => $"\"{Canary}\"",
        7 => $"[{RandomJson(random, depth - 1)}, {RandomJson(random, depth - 1)}]",
        _ => $"{{\"a\": {RandomJson(random, depth - 1)}, \"b\": {RandomJson(random, depth - 1)}}}",
    };
}
