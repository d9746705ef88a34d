using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.ChatCompletions;

/// <summary>Calls in the text of a model, as OpenAI's API tells them.</summary>
public sealed class ToolCallTests
{
    const string Path = "/v1/chat/completions";
    const string Tools = ""","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]""";

    static readonly GenerationEvent[] Said =
    [
        new GenerationStarted(3) { ToolCalls = ToolCallSyntax.Default },
        new GenerationDelta(0, "Let me look. <tool", []),
        new GenerationDelta(0, "_call>\n{\"name\": \"f\", \"arguments\": {\"a\":", []),
        new GenerationDelta(0, "1}}\n</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []),
        new GenerationFinished(0, FinishReason.Stop, 9),
    ];

    static async Task<TestGateway> GatewayAsync(params GenerationEvent[] events)
    {
        TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(events);
        return gateway;
    }

    [Fact]
    public async Task A_whole_answer_has_the_calls_beside_the_text()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        JsonElement choice = (await gateway.PostForJsonAsync(Path, TestGateway.Chat(Tools))).GetProperty("choices")[0];
        JsonElement message = choice.GetProperty("message");
        Assert.Equal("Let me look. ", message.GetProperty("content").GetString());
        Assert.Equal(["f {\"a\":1}", "f {}"], message.GetProperty("tool_calls").EnumerateArray().Select(call =>
            $"{call.GetProperty("function").GetProperty("name")} {call.GetProperty("function").GetProperty("arguments").GetString()}"));
        Assert.All(message.GetProperty("tool_calls").EnumerateArray(), call => Assert.Equal("function", call.GetProperty("type").GetString()));
        string[] ids = [.. message.GetProperty("tool_calls").EnumerateArray().Select(call => call.GetProperty("id").GetString()!)];
        Assert.All(ids, id => Assert.StartsWith("call_", id));
        Assert.Equal(2, ids.Distinct().Count());
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task An_answer_of_calls_alone_has_no_text()
    {
        await using TestGateway gateway = await GatewayAsync(
            Said[0], new GenerationDelta(0, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []), Said[^1]);
        JsonElement choice = (await gateway.PostForJsonAsync(Path, TestGateway.Chat(Tools + ""","tool_choice":"required" """))).GetProperty("choices")[0];
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task A_stream_tells_a_call_first_and_then_its_arguments_in_pieces()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        string text = await gateway.PostForTextAsync(Path, TestGateway.Chat(Tools + ""","stream":true"""));
        var told = new List<string>();
        foreach (string line in text.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)))
        {
            JsonElement choice = JsonDocument.Parse(line[6..]).RootElement.GetProperty("choices")[0];
            JsonElement delta = choice.GetProperty("delta");
            if (delta.TryGetProperty("content", out JsonElement content))
                told.Add($"says {content.GetString()}");
            if (delta.TryGetProperty("tool_calls", out JsonElement calls))
                told.AddRange(calls.EnumerateArray().Select(call =>
                    $"{call.GetProperty("index")} {(call.TryGetProperty("id", out _) ? $"calls {call.GetProperty("function").GetProperty("name")}" : "with")} "
                    + call.GetProperty("function").GetProperty("arguments").GetString()));
            if (choice.GetProperty("finish_reason").GetString() is { } reason)
                told.Add(reason);
        }
        Assert.Equal(["says ", "says Let me look. ", "0 calls f ", "0 with {\"a\":", "0 with 1}", "1 calls f ", "1 with {}", "tool_calls"], told);
    }

    [Fact]
    public async Task A_call_of_the_only_tool_that_was_allowed_is_an_ordinary_end()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        JsonElement answer = await gateway.PostForJsonAsync(Path, TestGateway.Chat(Tools + ""","tool_choice":{"type":"function","function":{"name":"f"}}"""));
        Assert.Equal("stop", answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Without_tools_what_looks_like_a_call_is_text()
    {
        await using TestGateway gateway = await GatewayAsync(new GenerationStarted(3), new GenerationDelta(0, "<tool_call>", []), Said[^1]);
        JsonElement choice = (await gateway.PostForJsonAsync(Path, TestGateway.Chat(""))).GetProperty("choices")[0];
        Assert.Equal("<tool_call>", choice.GetProperty("message").GetProperty("content").GetString());
        Assert.False(choice.GetProperty("message").TryGetProperty("tool_calls", out _));
    }

    [Fact]
    public async Task Tools_that_the_engine_refuses_are_named()
    {
        await using TestGateway gateway = await GatewayAsync(Scripts.Failure(GenerationErrorKind.InvalidRequest, nameof(GenerationRequest.ToolUse)));
        using HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Chat(Tools));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, "invalid_value");
        Assert.Equal("tools", error.GetProperty("param").GetString());
    }
}
