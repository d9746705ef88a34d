using System.Text.Json;
using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Messages;

/// <summary>Calls in the text of a model, as Anthropic's API tells them.</summary>
public sealed class ToolUseTests
{
    const string Path = "/v1/messages";
    const string Tools = ""","tools":[{"name":"f","description":"Does it.","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}}}]""";

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

    static async Task<JsonElement> AskAsync(TestGateway gateway, string more) =>
        JsonElement.Parse(await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(more)));

    [Fact]
    public async Task A_whole_answer_has_a_block_for_each_call_behind_its_text()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        JsonElement answer = await AskAsync(gateway, Tools);
        JsonElement[] blocks = [.. answer.GetProperty("content").EnumerateArray()];
        Assert.Equal(["text", "tool_use", "tool_use"], blocks.Select(block => block.GetProperty("type").GetString()));
        Assert.Equal("Let me look. ", blocks[0].GetProperty("text").GetString());
        Assert.Equal(["f {\"a\":1}", "f {}"], blocks[1..].Select(block => $"{block.GetProperty("name")} {block.GetProperty("input").GetRawText()}"));
        Assert.All(blocks[1..], block => Assert.StartsWith("toolu_", block.GetProperty("id").GetString()));
        Assert.All(blocks[1..], block => Assert.Equal("direct", block.GetProperty("caller").GetProperty("type").GetString()));
        Assert.NotEqual(blocks[1].GetProperty("id").GetString(), blocks[2].GetProperty("id").GetString());
        Assert.Equal("tool_use", answer.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public async Task A_stream_has_the_same_blocks_each_begun_and_ended()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        Transcript.Matches("message-stream-tools.txt", await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(Tools + ""","stream":true""")));
    }

    [Fact]
    public async Task The_template_gets_the_tools_in_the_shape_that_it_knows()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        await AskAsync(gateway, Tools);
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal(
            """[{"type":"function","function":{"name":"f","description":"Does it.","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]""",
            ((ChatPrompt)asked.Prompt).Tools!.Value.GetRawText());
        Assert.Equal(new ToolUse(ToolChoice.Auto), asked.ToolUse);
    }

    public static TheoryData<string, ToolUse?> Choices => new()
    {
        { """{"type":"auto"}""", new ToolUse(ToolChoice.Auto) },
        { """{"type":"auto","disable_parallel_tool_use":true}""", new ToolUse(ToolChoice.Auto) { IsParallel = false } },
        { """{"type":"any","disable_parallel_tool_use":false}""", new ToolUse(ToolChoice.Required) },
        { """{"type":"tool","name":"f"}""", new ToolUse(ToolChoice.Required) { Name = "f" } },
        { """{"type":"none"}""", null },
    };

    [Theory]
    [MemberData(nameof(Choices))]
    public async Task A_choice_of_tools_reaches_the_engine(string choice, ToolUse? expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await AskAsync(gateway, $"{Tools},\"tool_choice\":{choice}");
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal(expected, asked.ToolUse);
        Assert.Equal(expected is not null, ((ChatPrompt)asked.Prompt).Tools is not null);
    }

    [Fact]
    public async Task A_call_that_was_cut_has_no_input_and_the_reason_says_so()
    {
        await using TestGateway gateway = await GatewayAsync(Said[0], Said[1], Said[2], new GenerationFinished(0, FinishReason.Length, 16));
        JsonElement answer = await AskAsync(gateway, Tools);
        Assert.Equal("{}", answer.GetProperty("content")[1].GetProperty("input").GetRawText());
        Assert.Equal("max_tokens", answer.GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData(9, "max_tokens")]
    [InlineData(10, "model_context_window_exceeded")]
    public async Task An_answer_that_reaches_the_end_of_the_context_says_so(int maxTokens, string reason)
    {
        await using TestGateway gateway = await GatewayAsync(new GenerationStarted(3), new GenerationFinished(0, FinishReason.Length, 9));
        string body = $$"""{"model":"tiny","max_tokens":{{maxTokens}},"messages":[{"role":"user","content":"Hi"}]}""";
        JsonElement answer = JsonElement.Parse(await gateway.SendAnthropicForTextAsync(Path, body));
        Assert.Equal(reason, answer.GetProperty("stop_reason").GetString());
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.True(asked.Stop.EndsAtContext);
    }

    [Fact]
    public async Task A_schema_reaches_the_engine_as_it_was_written()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await AskAsync(gateway, ""","output_config":{"format":{"type":"json_schema","schema":{"type": "object"}}}""");
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal(new OutputFormat(OutputFormatKind.JsonSchema, "{\"type\": \"object\"}"), asked.Format);
    }

    [Theory]
    [InlineData(nameof(GenerationRequest.ToolUse), "tools")]
    [InlineData(nameof(GenerationRequest.Format), "output_config.format")]
    public void What_the_engine_refuses_has_Anthropics_name(string part, string name) =>
        Assert.Equal(name, ConversationMapping.ParameterName(part));

    [Fact]
    public async Task Without_tools_what_looks_like_a_call_is_text()
    {
        await using TestGateway gateway = await GatewayAsync(new GenerationStarted(3), new GenerationDelta(0, "<tool_call>", []), Said[^1]);
        JsonElement answer = await AskAsync(gateway, "");
        Assert.Equal("<tool_call>", answer.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("end_turn", answer.GetProperty("stop_reason").GetString());
    }
}
