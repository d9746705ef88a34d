using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Security;

/// <summary>
/// Security test 34: formats that are made to cost time or memory. Each is refused as a fault of the request, or held like any other, and a request
/// beside them says what it says alone. Counts and references are no copies here, so that large ones of them are held. Tests 32 and 33 are <c>SandboxTests</c> and <c>ProvenanceTests</c>.
/// </summary>
public sealed class HostileFormatTests : IAsyncDisposable
{
    // No measure of speed: only so that a format that never ends fails the test and not its runner.
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly TinyServer _server = new(contextLength: 192);

    /// <summary>What is hostile about it, and whether it is refused.</summary>
    static readonly Dictionary<string, (OutputFormat Format, bool IsRefused)> Formats = new()
    {
        ["60,000 groups in each other"] = (Gbnf($"root ::= {new string('(', 60_000)}\"a\"{new string(')', 60_000)}"), true),
        ["60,000 groups in each other in a pattern"] = (Pattern(new string('(', 60_000) + "a" + new string(')', 60_000)), true),
        ["a rule that begins with itself"] = (Gbnf("root ::= root \"a\" | \"b\""), true),
        ["a rule that is itself"] = (Gbnf("root ::= a\na ::= b\nb ::= a"), true),
        ["a rule repeated a hundred thousand times"] = (Gbnf("root ::= [a-z]{1,100000}"), false),
        ["repetitions in repetitions"] = (Pattern("((a{1,1000}){1,1000}){1,1000}"), true),
        ["a long repetition"] = (Pattern("a{1,100000}"), false),
        ["a count beyond all numbers"] = (Pattern("a{1,99999999999999999999}"), true),
        ["a quantifier of nothing"] = (Pattern("*a"), true),
        ["a quantifier of nothing in a group"] = (Pattern("(+)"), true),
        ["ambiguous repetition"] = (Pattern("(a+)+b"), false),
        ["a schema that is itself"] = (Schema("""{"$ref":"#"}"""), true),
        ["schemas that are each other"] = (Schema("""{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"""), true),
        ["a schema that needs itself without end"] = (Schema("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"""), true),
        ["all of itself, twice over"] = (Schema("""{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"""), true),
        ["references that double at each step"] = (Schema(Doubling(40)), false),
        ["alternatives in each other"] = (Schema(Nested(20)), true),
        ["40,000 values"] = (Schema($$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 40_000))}}]}"""), true),
        ["a long text"] = (Schema("""{"type":"string","minLength":1000000000}"""), true),
        ["a long list"] = (Schema("""{"type":"array","items":{"type":"integer"},"minItems":1000000000}"""), true),
        ["a pattern without end in a schema"] = (Schema("""{"type":"string","pattern":"^((a{1,1000}){1,1000}){1,1000}$"}"""), true),
        ["no JSON"] = (Schema("{"), true),
    };

    public static TheoryData<string> Names => [.. Formats.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_hostile_format_is_refused_or_held_and_disturbs_nobody(string name)
    {
        var (format, isRefused) = Formats[name];
        var cancellationToken = TestContext.Current.CancellationToken;
        var alone = await SayAsync(Request("quiet", 60), cancellationToken);

        var beside = SayAsync(Request("quiet", 60), cancellationToken);
        var hostile = await SayAsync(Request("hostile", 8) with { Format = format }, cancellationToken);

        var failure = hostile.OfType<GenerationFailed>().SingleOrDefault();
        Assert.Equal(isRefused, failure is not null);
        if (failure is not null)
            Assert.Equal((GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.Format)), (failure.Error.Kind, failure.Error.Parameter));
        Assert.Equal(TextOf(alone), TextOf(await beside));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    static OutputFormat Gbnf(string source) => new(OutputFormatKind.Grammar, source);

    static OutputFormat Pattern(string source) => new(OutputFormatKind.Pattern, source);

    static OutputFormat Schema(string source) => new(OutputFormatKind.JsonSchema, source);

    static string Doubling(int steps)
    {
        var rules = Enumerable.Range(0, steps).Select(i => $$$"""
            "s{{{i}}}":{"type":"array","minItems":2,"maxItems":2,"items":{"$ref":"#/$defs/s{{{i + 1}}}"}}
            """);
        return $$$"""{"$ref":"#/$defs/s0","$defs":{ {{{string.Join(',', rules)}}},"s{{{steps}}}":{"const":1} } }""";
    }

    static string Nested(int depth) => depth == 0
        ? """{"type":"object","properties":{"a":{"type":"string"}}}"""
        : $$$"""{"oneOf":[{{{Nested(depth / 2)}}},{"type":"object","properties":{"a":{{{Nested(depth - 1)}}} } }]}""";

    static GenerationRequest Request(string id, int tokens) => new()
    {
        RequestId = id,
        ModelId = TinyServer.ModelId,
        AccountId = id,
        Prompt = new TextPrompt("Once upon a time"),
        Sampling = new SamplingParams { Seed = 5 },
        Stop = new StopConditions { MaxTokens = tokens, IgnoreEndOfGeneration = id == "quiet" },
    };

    async Task<List<GenerationEvent>> SayAsync(GenerationRequest request, CancellationToken cancellationToken) =>
        await Task.Run(async () => await _server.Backend.GenerateAsync(request, cancellationToken).ToListAsync(cancellationToken), cancellationToken).WaitAsync(Patience, cancellationToken);

    static string TextOf(IEnumerable<GenerationEvent> events) => string.Concat(events.OfType<GenerationDelta>().Select(delta => delta.Text.Value));
}
