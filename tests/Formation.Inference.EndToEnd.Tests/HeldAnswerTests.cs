using System.Text.Json;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>
/// Answers that are held to a schema or to calls of tools, some of them behind a thought, from a model with random weights over three machines: real
/// processes, killed in the middle of the streams. And texts that fill gaps.
/// </summary>
public sealed class HeldAnswerTests
{
    private const string Order = """
        {"type":"object","required":["items"],"additionalProperties":false,"properties":{"items":{"type":"array","minItems":4,"maxItems":4,"items":
         {"type":"object","required":["name","count"],"additionalProperties":false,"properties":{
          "name":{"type":"string","minLength":8,"maxLength":14},"count":{"type":"integer","minimum":10,"maximum":9999}}}}}}
        """;

    private const string Grouped = "[A-F]{3}(-[0-9]{4}){30}";

    // Opens every thought itself, unless told not to; a model with random weights ends none before its limit.
    private const string Template = """
        {%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content.split('</think>')[-1] + '<|im_end|>\n' }}{% endfor %}
        {%- if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% if enable_thinking is false %}{{ '\n</think>\n\n' }}{% endif %}{% endif %}
        """;

    // When the last of these thoughts has begun the short ones have ended, so that the losses meet thoughts and what follows them.
    private const int ShortThought = 8, LongThought = 400;

    // The fewest tokens that Anthropic's API lets a model think for.
    private const int AnthropicThought = 1024;

    /// <summary>The requests, and how many tokens each may think for.</summary>
    private static readonly (string Path, JsonObject Body, int Thought)[] Requests =
    [
        .. Enumerable.Range(0, 2).Select(i => Chat(i, 0, ("response_format", ChatFormat))),
        .. Enumerable.Range(2, 2).Select(i => Chat(
            i, 0, ("tools", $$$"""[{"type":"function","function":{"name":"order","parameters":{{{Order}}}}}]"""), ("tool_choice", "\"required\""),
            ("parallel_tool_calls", "false"))),
        Message("Ask for four.", 0, ("output_config", MessageFormat)),
        Message("Get me four.", 0, ("tools", $$"""[{"name":"order","input_schema":{{Order}}}]"""), ("tool_choice", """{"type":"any","disable_parallel_tool_use":true}""")),
        Response(6, 0, ("text", ResponseFormat)),
        Response(
            7, 0, ("tools", $$"""[{"type":"function","name":"order","parameters":{{Order}}}]"""), ("tool_choice", "\"required\""), ("parallel_tool_calls", "false")),
        Generation(8, $$"""{"type":"json","value":{{Order}}}"""),
        Chat(10, ShortThought, ("response_format", ChatFormat)),
        Chat(11, LongThought, ("response_format", ChatFormat)),
        Message("Think, and ask for four.", AnthropicThought, ("output_config", MessageFormat)),
        Response(12, ShortThought, ("text", ResponseFormat)),
        Response(13, LongThought, ("text", ResponseFormat)),
        Completion(9, "\"The number is \"", ("structured_outputs", $$"""{"regex":"{{Grouped}}"}""")),
        Completion(14, "\"def hello(\"", ("suffix", "\" return the answer\""), ("ignore_eos", "true"), ("max_tokens", "200")),
        Completion(15, "[72,101,108]", ("suffix", "\" world\""), ("structured_outputs", """{"regex":"[a-z ]{60,90}"}""")),
    ];

    private static string ChatFormat => $$$"""{"type":"json_schema","json_schema":{"name":"order","schema":{{{Order}}}}}""";

    private static string MessageFormat => $$$"""{"format":{"type":"json_schema","schema":{{{Order}}}}}""";

    private static string ResponseFormat => $$$"""{"format":{"type":"json_schema","name":"order","schema":{{{Order}}}}}""";

    [Fact]
    public async Task Schemas_calls_thoughts_and_filled_gaps_survive_the_loss_of_a_stage_and_of_the_head_unchanged()
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 4, new TinyModelOptions { LayerCount = 6, ContextLength = 2048, HiddenSize = 128, ChatTemplate = Template, FillsGaps = true }, context: 2048);
        var alone = await AskAllAsync(cluster, null);
        var abilities = await CapabilitiesAsync(cluster);
        Assert.Equal("completion chat tools thinking insert embedding", abilities);
        Assert.All(alone[..^3], AssertHeld);
        Assert.All(alone.Zip(Requests), pair => AssertThought(pair.First, pair.Second.Thought));
        Assert.Matches($"^{Grouped}$", alone[^3].Text);
        Assert.Equal(200, alone[^2].Usage.Answer);
        Assert.Matches("^[a-z ]{60,90}$", alone[^1].Text);

        await cluster.DeployAsync("--stages", "3", "--spares", "1", "--concurrency", $"{Requests.Length}");
        Assert.Equal(abilities, await CapabilitiesAsync(cluster));
        Assert.Equal(alone, await AskAllAsync(cluster, null));

        var stage = (await cluster.NodesOfAsync("stage"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, () => cluster.Nodes[stage].KillWorkers()));
        Assert.Contains("restarted", await cluster.EventsAsync());
        await cluster.StateAsync("ready");

        var head = (await cluster.NodesOfAsync("head"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, () => cluster.Nodes[head].Kill()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));
    }

    /// <summary>What the gateway says that the model can do.</summary>
    private static async Task<string> CapabilitiesAsync(ClusterProcesses cluster)
    {
        var model = JsonElement.Parse(await cluster.Client.GetStringAsync($"/v1/models/{ClusterProcesses.Model}", TestContext.Current.CancellationToken));
        return string.Join(' ', model.GetProperty("capabilities").EnumerateArray().Select(word => word.GetString()));
    }

    /// <summary>
    /// Asks all at the same time; as soon as each of them has said something, those with a short thought behind it, <paramref name="disturb"/> happens:
    /// in the middle of every long thought.
    /// </summary>
    private static async Task<AskedAnswer[]> AskAllAsync(ClusterProcesses cluster, Action? disturb)
    {
        var (waiting, isDone, thinking) = (Requests.Length, false, 0);
        return await Task.WhenAll(Requests.Select(request =>
        {
            var (hasBegun, isThinking) = (false, false);
            return AskedAnswer.AskAsync(
                cluster.Client, request.Path, request.Body,
                isOfThought =>
                {
                    if (isThinking != isOfThought)
                        Interlocked.Add(ref thinking, isOfThought ? 1 : -1);
                    isThinking = isOfThought;
                    if (isOfThought && request.Thought == ShortThought)
                        return;
                    if (!hasBegun && Interlocked.Decrement(ref waiting) == 0 && !Interlocked.Exchange(ref isDone, true))
                        Disturb();
                    hasBegun = true;
                },
                TestContext.Current.CancellationToken);
        }));

        void Disturb()
        {
            if (disturb is null)
                return;
            Assert.Equal(Requests.Count(request => request.Thought > ShortThought), Volatile.Read(ref thinking));
            disturb();
        }
    }

    private static void AssertThought(AskedAnswer answer, int most)
    {
        Assert.Equal(most > 0, answer.Thought.Length > 0);

        // What closes a thought is counted, too.
        Assert.InRange(answer.Usage.Thought, most, most == 0 ? 0 : most + 20);
        Assert.True(answer.Usage.Answer > answer.Usage.Thought);
    }

    private static void AssertHeld(AskedAnswer answer)
    {
        JsonElement said;
        if (answer.Calls.Length > 0)
        {
            var (name, arguments) = Assert.Single(answer.ReadCalls());
            Assert.Equal(("order", ""), (name, answer.Text));
            Assert.Contains(answer.Reason, (string[])["tool_calls", "tool_use", "completed"]);
            said = arguments;
        }
        else
        {
            Assert.Contains(answer.Reason, (string[])["stop", "end_turn", "completed", "eos_token"]);
            said = JsonElement.Parse(answer.Text);
        }

        Assert.Equal(["items"], said.EnumerateObject().Select(property => property.Name));
        Assert.Equal(4, said.GetProperty("items").GetArrayLength());
        Assert.All(said.GetProperty("items").EnumerateArray(), item =>
        {
            Assert.Equal(["count", "name"], item.EnumerateObject().Select(property => property.Name).Order());
            Assert.InRange(item.GetProperty("name").GetString()!.EnumerateRunes().Count(), 8, 14);
            Assert.InRange(item.GetProperty("count").GetInt32(), 10, 9999);
        });
    }

    private static (string Path, JsonObject Body, int Thought) Chat(int seed, int thought, params (string Name, string Json)[] more) => ("/v1/chat/completions", Body(
        more, ("messages", $$"""[{"role":"user","content":"Order number {{seed}}, please."}]"""), ("temperature", "1"), ("seed", $"{seed}"),
        ("stream_options", """{"include_usage":true}"""), thought == 0 ? ("reasoning_effort", "\"none\"") : ("thinking_token_budget", $"{thought}")), thought);

    private static (string Path, JsonObject Body, int Thought) Message(string text, int thought, params (string Name, string Json)[] more) => ("/v1/messages", Body(
        more, ("messages", $$"""[{"role":"user","content":"{{text}}"}]"""), ("temperature", "0"), ("max_tokens", $"{900 + thought}"),
        ("thinking", thought == 0 ? """{"type":"disabled"}""" : $$"""{"type":"enabled","budget_tokens":{{thought}}}""")), thought);

    private static (string Path, JsonObject Body, int Thought) Response(int seed, int thought, params (string Name, string Json)[] more) => ("/v1/responses", Body(
        more, ("input", $"\"Order number {seed}, please.\""), ("temperature", "1"), ("seed", $"{seed}"), ("store", "false"),
        thought == 0 ? ("reasoning", """{"effort":"none"}""") : ("thinking_token_budget", $"{thought}")), thought);

    private static (string Path, JsonObject Body, int Thought) Completion(int seed, string prompt, params (string Name, string Json)[] more) => ("/v1/completions", Body(
        more, ("prompt", prompt), ("temperature", "1"), ("seed", $"{seed}"), ("max_tokens", "900"), ("stream_options", """{"include_usage":true}""")), 0);

    private static (string Path, JsonObject Body, int Thought) Generation(int seed, string grammar) => ($"/models/{ClusterProcesses.Model}/generate_stream", new JsonObject
    {
        ["inputs"] = "An order: ",
        ["parameters"] = new JsonObject { ["grammar"] = JsonNode.Parse(grammar), ["do_sample"] = true, ["seed"] = seed, ["details"] = true },
    }, 0);

    private static JsonObject Body((string Name, string Json)[] more, params (string Name, string Json)[] fields) => new(
        [.. fields.ExceptBy(more.Select(field => field.Name), field => field.Name).Concat(more).Append(("model", $"\"{ClusterProcesses.Model}\"")).Append(("stream", "true"))
            .Select(field => KeyValuePair.Create(field.Item1, JsonNode.Parse(field.Item2)))]);
}
