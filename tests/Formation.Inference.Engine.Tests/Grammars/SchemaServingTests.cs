using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Formation.Inference.Engine.Grammars;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>
/// The schemas of <see cref="SchemaCorpus"/> as requests at temperature 1 to a model with random weights, many at once, the whole way: from the backend through
/// the prompt's reading, scheduler and sampler to the end of the choice. The model writes nonsense, and seldom ends a text where it might.
/// </summary>
public sealed class SchemaServingTests
{
    private const int AtOnce = 24;

    // Their texts have to hold a word of a few letters somewhere or at the end, which chance alone does not write.
    private static readonly string[] Unlikely = ["agents: edit a notebook", "keywords: patternProperties: digits", "values: begins and ends"];

    // A schema of which no answer came whole is asked for again, with more room.
    private static readonly (int Seeds, int MaxTokens)[] Rounds = [(2, 160), (4, 600), (6, 2000), (8, 4000)];

    [Fact]
    public Task What_a_random_model_writes_by_a_schema_satisfies_it() => RunAsync([.. SchemaCorpus.Schemas.Keys.Where((_, index) => index % 10 == 3)]);

    [Fact, Trait("Category", "Long")]
    public Task What_a_random_model_writes_by_any_of_the_schemas_satisfies_it() => RunAsync([.. SchemaCorpus.Schemas.Keys]);

    private static async Task RunAsync(IReadOnlyList<string> names)
    {
        await using var server = new TinyServer(TinyServer.Small with { LayerCount = 1, ContextLength = 4096, VocabularySize = 300, Seed = 2 }, contextLength: 4096);
        var left = new List<int>();
        var (whole, cut) = (new ConcurrentDictionary<string, int>(), new ConcurrentDictionary<string, int>());
        foreach (var (seeds, maxTokens) in Rounds)
        {
            var requests = names.Where(name => !whole.ContainsKey(name)).SelectMany(name => Enumerable.Range(0, seeds).Select(seed => (Name: name, Seed: seed + maxTokens)));
            left.Add(names.Count - whole.Count);
            var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken };
            await Parallel.ForEachAsync(requests.ToList(), options, async (next, cancellation) =>
                (await IsWholeAsync(server, next.Name, next.Seed, maxTokens, cancellation) ? whole : cut).AddOrUpdate(next.Name, 1, (_, count) => count + 1));
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{names.Count} schemas: {whole.Values.Sum()} answers whole, {cut.Values.Sum()} cut; schemas asked for in each round: {string.Join(", ", left)}"));
        Assert.Equal([], names.Except(whole.Keys).Except(Unlikely));
    }

    // A whole text satisfies the schema, and one that was cut is the beginning of such a text.
    private static async Task<bool> IsWholeAsync(TinyServer server, string name, int seed, int maxTokens, CancellationToken cancellationToken)
    {
        var schema = SchemaCorpus.Schemas[name];
        var generation = await server.RunAsync(
            TinyServer.Request(name, maxTokens, $"{name} {seed}") with
            {
                Sampling = new SamplingParams { Temperature = 1, Seed = seed },
                Format = new OutputFormat(OutputFormatKind.JsonSchema, schema.GetRawText()),
            },
            cancellationToken);
        Assert.True(generation.Error is null, $"{name}: {generation.Error?.Message}");
        var text = generation.Text();
        if (generation.Finished().Reason == FinishReason.Stop)
        {
            using var value = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2000 });
            Assert.True(new SchemaValidator(schema).IsValid(value.RootElement), $"{name}: {text}");
            return true;
        }
        Assert.Equal(FinishReason.Length, generation.Finished().Reason);
        var matcher = new GrammarMatcher(GrammarCompiler.Compile(JsonSchemaGrammar.Of(schema)));
        Assert.True(matcher.Step(matcher.Start, Encoding.UTF8.GetBytes(text)) != GrammarMatcher.Dead, $"{name}: {text}");
        return false;
    }
}
