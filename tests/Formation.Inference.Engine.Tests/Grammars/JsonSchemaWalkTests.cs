using System.Collections.Concurrent;
using System.Text.Json;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>
/// Schemas of tools, answers, settings and single values, as users write them (in the folder <c>Schemas</c>): what their grammars let write at random, and
/// what another implementation says of many texts (<c>Golden/schemas</c>).
/// </summary>
public sealed class JsonSchemaWalkTests
{
    private static readonly Dictionary<string, JsonElement> Schemas = SchemaCorpus.Schemas;
    private static readonly Dictionary<string, List<(string Text, bool IsValid)>> Verdicts = SchemaCorpus.Verdicts;

    // To compile a grammar takes longer than most of the texts that it is tried with.
    private static readonly ConcurrentDictionary<string, GrammarWalk> Walks = new(StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. Schemas.Keys];

    [Fact]
    public void There_are_more_than_three_hundred_schemas_and_texts_of_each()
    {
        Assert.InRange(Schemas.Count, 300, 1000);
        Assert.Equal(Schemas.Keys.Order(), Verdicts.Keys.Order());
        Assert.All(Verdicts.Values, verdicts => Assert.Contains(verdicts, verdict => verdict.IsValid));
    }

    [Theory, MemberData(nameof(Names))]
    public void Whatever_is_written_at_random_satisfies_the_schema(string name)
    {
        var validator = new SchemaValidator(Schemas[name]);
        var written = Write(name).ToList();
        foreach (var text in written)
        {
            using var value = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2000 });
            Assert.True(validator.IsValid(value.RootElement), text);
        }
        // Trees seldom end by themselves: chance opens more branches than it closes.
        Assert.InRange(written.Count, 20, 40);
    }

    [Theory, MemberData(nameof(Names))]
    public void A_text_that_another_implementation_refuses_can_not_be_written(string name)
    {
        var walk = Walk(name);
        Assert.All(Verdicts[name].Where(verdict => !verdict.IsValid), verdict => Assert.False(walk.Takes(verdict.Text), verdict.Text));
    }

    [Fact]
    public void Most_texts_that_another_implementation_takes_can_be_written()
    {
        var (taken, valid) = (0, 0);
        foreach (var (name, verdicts) in Verdicts)
        {
            var walk = Walk(name);
            foreach (var verdict in verdicts.Where(verdict => verdict.IsValid))
            {
                valid++;
                taken += walk.Takes(verdict.Text) ? 1 : 0;
            }
        }
        // The others have properties that no schema names, or spell values in another way.
        Assert.InRange((double)taken / valid, 0.9, 1);
    }

    /// <summary>Formats are left out: the other implementation does not know all of them.</summary>
    [Theory, MemberData(nameof(Names))]
    public void The_validator_of_these_tests_agrees_with_another_implementation(string name)
    {
        var validator = new SchemaValidator(Schemas[name]);
        foreach (var (text, isValid) in Verdicts[name])
            if (validator.IsValid(JsonElement.Parse(text)) != isValid && !(isValid && Schemas[name].GetRawText().Contains("\"format\"", StringComparison.Ordinal)))
                Assert.Fail($"{text} is {(isValid ? "" : "not ")}valid");
    }

    /// <summary>Random texts of a schema: those of 40 that came to an end.</summary>
    internal static IEnumerable<string> Write(string name)
    {
        var random = new Random(17);
        return Enumerable.Range(0, 40).Select(_ => Walk(name).Write(random, random.Next(120), 6000)).OfType<string>();
    }

    private static GrammarWalk Walk(string name) => Walks.GetOrAdd(name, static name => new GrammarWalk(JsonSchemaGrammar.Of(Schemas[name])));
}
