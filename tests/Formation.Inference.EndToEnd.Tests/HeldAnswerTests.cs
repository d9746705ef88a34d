using System.Text.Json;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>
/// Answers that are held to a schema or to calls of tools, from a model with random weights over three machines: real processes, killed in the
/// middle of the streams.
/// </summary>
public sealed class HeldAnswerTests
{
    private const string Order = """
        {"type":"object","required":["items"],"additionalProperties":false,"properties":{"items":{"type":"array","minItems":4,"maxItems":4,"items":
         {"type":"object","required":["name","count"],"additionalProperties":false,"properties":{
          "name":{"type":"string","minLength":8,"maxLength":14},"count":{"type":"integer","minimum":10,"maximum":9999}}}}}}
        """;

    private const string Grouped = "[A-F]{3}(-[0-9]{4}){30}";

    private static readonly (string Path, JsonObject Body)[] Requests =
    [
        .. Enumerable.Range(0, 2).Select(i => Chat(i, ("response_format", $$$"""{"type":"json_schema","json_schema":{"name":"order","schema":{{{Order}}}}}"""))),
        .. Enumerable.Range(2, 2).Select(i => Chat(
            i, ("tools", $$$"""[{"type":"function","function":{"name":"order","parameters":{{{Order}}}}}]"""), ("tool_choice", "\"required\""),
            ("parallel_tool_calls", "false"))),
        Message("Ask for four.", ("output_config", $$$"""{"format":{"type":"json_schema","schema":{{{Order}}}}}""")),
        Message("Get me four.", ("tools", $$"""[{"name":"order","input_schema":{{Order}}}]"""), ("tool_choice", """{"type":"any","disable_parallel_tool_use":true}""")),
        Response(6, ("text", $$$"""{"format":{"type":"json_schema","name":"order","schema":{{{Order}}}}}""")),
        Response(
            7, ("tools", $$"""[{"type":"function","name":"order","parameters":{{Order}}}]"""), ("tool_choice", "\"required\""), ("parallel_tool_calls", "false")),
        Generation(8, $$"""{"type":"json","value":{{Order}}}"""),
        Completion(9, ("structured_outputs", $$"""{"regex":"{{Grouped}}"}""")),
    ];

    [Fact]
    public async Task A_schema_and_a_call_survive_the_loss_of_a_stage_and_of_the_head_unchanged()
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 4, new TinyModelOptions { LayerCount = 6, ContextLength = 1024, HiddenSize = 128 }, context: 1024);
        var alone = await AskAllAsync(cluster, null);
        Assert.All(alone[..^1], AssertHeld);
        Assert.Matches($"^{Grouped}$", alone[^1].Text);

        await cluster.DeployAsync("--stages", "3", "--spares", "1");
        Assert.Equal(alone, await AskAllAsync(cluster, null));

        var stage = (await cluster.NodesOfAsync("stage"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, () => cluster.Nodes[stage].KillWorkers()));
        Assert.Contains("restarted", await cluster.EventsAsync());
        await cluster.StateAsync("ready");

        var head = (await cluster.NodesOfAsync("head"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, () => cluster.Nodes[head].Kill()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));
    }

    /// <summary>Asks all at the same time; as soon as each of them has said something, <paramref name="disturb"/> happens.</summary>
    private static async Task<AskedAnswer[]> AskAllAsync(ClusterProcesses cluster, Action? disturb)
    {
        var (waiting, isDone) = (Requests.Length, false);
        return await Task.WhenAll(Requests.Select(request =>
        {
            var hasBegun = false;
            return AskedAnswer.AskAsync(
                cluster.Client, request.Path, request.Body,
                () =>
                {
                    if (!hasBegun && Interlocked.Decrement(ref waiting) == 0 && !Interlocked.Exchange(ref isDone, true))
                        disturb?.Invoke();
                    hasBegun = true;
                },
                TestContext.Current.CancellationToken);
        }));
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

    private static (string Path, JsonObject Body) Chat(int seed, params (string Name, string Json)[] more) => ("/v1/chat/completions", Body(
        more, ("messages", $$"""[{"role":"user","content":"Order number {{seed}}, please."}]"""), ("temperature", "1"), ("seed", $"{seed}")));

    private static (string Path, JsonObject Body) Message(string text, params (string Name, string Json)[] more) => ("/v1/messages", Body(
        more, ("messages", $$"""[{"role":"user","content":"{{text}}"}]"""), ("temperature", "0"), ("max_tokens", "900")));

    private static (string Path, JsonObject Body) Response(int seed, params (string Name, string Json)[] more) => ("/v1/responses", Body(
        more, ("input", $"\"Order number {seed}, please.\""), ("temperature", "1"), ("seed", $"{seed}"), ("store", "false")));

    private static (string Path, JsonObject Body) Completion(int seed, params (string Name, string Json)[] more) => ("/v1/completions", Body(
        more, ("prompt", "\"The number is \""), ("temperature", "1"), ("seed", $"{seed}"), ("max_tokens", "900")));

    private static (string Path, JsonObject Body) Generation(int seed, string grammar) => ($"/models/{ClusterProcesses.Model}/generate_stream", new JsonObject
    {
        ["inputs"] = "An order: ",
        ["parameters"] = new JsonObject { ["grammar"] = JsonNode.Parse(grammar), ["do_sample"] = true, ["seed"] = seed, ["details"] = true },
    });

    private static JsonObject Body((string Name, string Json)[] more, params (string Name, string Json)[] fields) => new(
        [.. fields.Concat(more).Append(("model", $"\"{ClusterProcesses.Model}\"")).Append(("stream", "true"))
            .Select(field => KeyValuePair.Create(field.Item1, JsonNode.Parse(field.Item2)))]);
}
