using System.Text.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Formation.Requests;

/// <summary>The object <c>formation</c> in requests and answers of all dialects, and its table in <c>docs/api/formation.md</c>.</summary>
public sealed partial class FormationObjectTests
{
    const string Chat = "/v1/chat/completions", Completions = "/v1/completions", Responses = "/v1/responses", Messages = "/v1/messages";

    /// <summary>A value of each field, and what must come of it.</summary>
    static readonly Dictionary<string, (string Value, RoutingRequirements? Routing)> Samples = new()
    {
        ["region"] = ("\"eu-west\"", new RoutingRequirements { Region = "eu-west" }),
        ["max_latency_ms"] = ("12.5", new RoutingRequirements { MaxRoundTrip = TimeSpan.FromMilliseconds(12.5) }),
        ["min_redundancy"] = ("2", new RoutingRequirements { MinReplicas = 2 }),
        ["confidentiality"] = ("\"transport\"", new RoutingRequirements()),
        ["max_price"] = ("0.1", null),
        ["adapter"] = ("\"a\"", null),
    };

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<status>supported|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    static string Body(string path, string more) => path switch
    {
        Chat => TestGateway.Chat(more),
        Completions => TestGateway.Complete(more),
        Messages => TestGateway.Messages(more),
        _ => $$"""{"model":"tiny","input":"Hi"{{more}}}""",
    };

    static Task<HttpResponseMessage> SendAsync(TestGateway gateway, string path, string more) =>
        path == Messages ? gateway.SendAnthropicAsync(path, Body(path, more)) : gateway.PostAsync(path, Body(path, more));

    static async Task<string> TextAsync(TestGateway gateway, string path, string more)
    {
        using HttpResponseMessage response = await SendAsync(gateway, path, more);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }

    [Fact]
    public void Every_field_has_a_row_and_every_row_a_field()
    {
        Dictionary<string, string> rows = Row().Matches(ApiDocument.Read("formation.md"))
            .ToDictionary(row => row.Groups["name"].Value, row => row.Groups["status"].Value);
        Assert.Equal(typeof(FormationFields).GetProperties().Length - 1, rows.Count);
        Assert.Equal(
            Samples.OrderBy(sample => sample.Key).Select(sample => (sample.Key, sample.Value.Routing is null ? "refused" : "supported")),
            rows.OrderBy(row => row.Key).Select(row => (row.Key, row.Value)));
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Completions)]
    [InlineData(Responses)]
    [InlineData(Messages)]
    public async Task A_wish_reaches_whoever_chooses_a_replica_or_is_refused_by_name(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach ((string name, (string value, RoutingRequirements? routing)) in Samples)
        {
            using HttpResponseMessage response = await SendAsync(gateway, path, $",\"formation\":{{\"{name}\":{value}}}");
            if (routing is null)
            {
                Assert.Equal(400, (int)response.StatusCode);
                Assert.Contains($"'formation.{name}'", await response.Content.ReadAsStringAsync());
                continue;
            }

            Assert.True(response.IsSuccessStatusCode, name);
            Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
            Assert.Equal(routing, asked.Routing);
        }
    }

    [Theory]
    [InlineData("""{"regions":"eu"}""", "formation.regions")]
    [InlineData("""{"region":""}""", "formation.region")]
    [InlineData("""{"region":5}""", "formation.region")]
    [InlineData("""{"max_latency_ms":0}""", "formation.max_latency_ms")]
    [InlineData("""{"max_latency_ms":60001}""", "formation.max_latency_ms")]
    [InlineData("""{"min_redundancy":0}""", "formation.min_redundancy")]
    [InlineData("""{"min_redundancy":65}""", "formation.min_redundancy")]
    [InlineData("""{"confidentiality":"sealed"}""", "formation.confidentiality")]
    [InlineData("""{"confidentiality":"none"}""", "formation.confidentiality")]
    [InlineData("\"eu\"", "formation")]
    public async Task A_wish_that_makes_no_sense_is_refused(string formation, string name)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await SendAsync(gateway, Chat, $",\"formation\":{formation}");
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(name, JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("param").GetString());
        Assert.Empty(gateway.Backend.Requests);
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Completions)]
    [InlineData(Responses)]
    [InlineData(Messages)]
    public async Task An_answer_tells_its_nodes_times_and_cached_tokens_where_it_was_asked(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3), new GenerationDelta(0, "x", []),
            new GenerationFinished(0, FinishReason.Stop, 1) { CachedPromptTokens = 2, Nodes = ["n2", "n1"] });
        const string Told = """
            "formation":{"nodes":["n2","n1"],"cached_tokens":2,"timings":{"accepted_ms":0,"first_token_ms":0,"total_ms":0}}
            """;
        Assert.Contains(Told, await TextAsync(gateway, path, ""","formation":{}"""));
        string stream = await TextAsync(gateway, path, ""","formation":{},"stream":true""");
        Assert.Single(stream.Split('\n'), line => line.Contains(Told, StringComparison.Ordinal));
        Assert.DoesNotContain("\"formation\"", await TextAsync(gateway, path, ""));
        Assert.DoesNotContain("\"formation\"", await TextAsync(gateway, path, ""","stream":true"""));
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Completions)]
    public async Task A_stream_with_usage_tells_both_in_its_last_event(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string stream = await TextAsync(gateway, path, ""","formation":{},"stream":true,"stream_options":{"include_usage":true}""");
        string last = stream.Split('\n').Single(line => line.Contains("\"formation\"", StringComparison.Ordinal));
        Assert.Contains("\"usage\":{", last);
    }

    [Theory]
    [InlineData(Chat, nameof(RoutingRequirements.Region), "formation.region")]
    [InlineData(Completions, nameof(RoutingRequirements.MaxRoundTrip), "formation.max_latency_ms")]
    [InlineData(Responses, nameof(RoutingRequirements.MinReplicas), "formation.min_redundancy")]
    public async Task A_wish_that_no_replica_fulfils_is_named(string path, string part, string name)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.InvalidRequest, $"{nameof(GenerationRequest.Routing)}.{part}"));
        using HttpResponseMessage response = await SendAsync(gateway, path, ""","formation":{"region":"x"}""");
        Assert.Equal(name, (await ErrorAssert.IsErrorAsync(response, 400, "invalid_value")).GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("/v1/embeddings", """{"model":"tiny","input":"x","formation":{}}""")]
    [InlineData("/generate", """{"inputs":"x","formation":{}}""")]
    [InlineData("/chat_tokenize", """{"messages":[{"role":"user","content":"x"}],"formation":{}}""")]
    [InlineData("/models/tiny/chat_tokenize", """{"messages":[{"role":"user","content":"x"}],"formation":{"region":"eu"}}""")]
    [InlineData("/v1/responses/input_tokens", """{"model":"tiny","input":"x","formation":{}}""")]
    [InlineData("/v1/messages/count_tokens", """{"model":"tiny","messages":[{"role":"user","content":"x"}],"formation":{}}""")]
    public async Task Where_there_is_no_such_object_it_is_refused_and_never_passed_over(string path, string body)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = path.StartsWith("/v1/messages", StringComparison.Ordinal)
            ? await gateway.SendAnthropicAsync(path, body)
            : await gateway.PostAsync(path, body);
        Assert.InRange((int)response.StatusCode, 400, 422);
        Assert.Contains("formation", await response.Content.ReadAsStringAsync());
    }
}
