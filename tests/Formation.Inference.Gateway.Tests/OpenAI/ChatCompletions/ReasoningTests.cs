using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.ChatCompletions;

/// <summary>A model's thoughts, as open servers tell them in OpenAI's API.</summary>
public sealed class ReasoningTests
{
    const string Path = "/v1/chat/completions";

    static readonly GenerationEvent[] Said =
    [
        new GenerationStarted(3) { Reasoning = new ReasoningSyntax("<think>", "</think>", "\n\n"), ToolCalls = ToolCallSyntax.Default },
        new GenerationDelta(0, "<think>\nShould I", []),
        new GenerationDelta(0, " call <tool_call>?\n</thi", []),
        new GenerationDelta(0, "nk>\n\nNo.", []),
        new GenerationFinished(0, FinishReason.Stop, 9) { ReasoningTokens = 6 },
    ];

    static async Task<TestGateway> GatewayAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Said);
        return gateway;
    }

    static async Task<GenerationRequest> AskedAsync(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForJsonAsync(Path, TestGateway.Chat(more));
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        return asked;
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","tools":[{"type":"function","function":{"name":"f"}}]""")]
    public async Task A_whole_answer_has_the_thought_beside_the_text(string more)
    {
        await using TestGateway gateway = await GatewayAsync();
        JsonElement answer = await gateway.PostForJsonAsync(Path, TestGateway.Chat(more));
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.Equal("Should I call <tool_call>?", choice.GetProperty("message").GetProperty("reasoning_content").GetString());
        Assert.Equal("No.", choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(6, answer.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_tells_the_thought_before_the_text()
    {
        await using TestGateway gateway = await GatewayAsync();
        string text = await gateway.PostForTextAsync(Path, TestGateway.Chat(""","stream":true"""));
        IEnumerable<JsonElement> deltas = text.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
            .Select(line => JsonElement.Parse(line[6..]).GetProperty("choices")[0].GetProperty("delta"));
        Assert.Equal(
            ["says ", "thinks Should I", "thinks  call <tool_call>?", "says No."],
            deltas.SelectMany(delta => delta.EnumerateObject()).Where(part => part.Name is "content" or "reasoning_content")
                .Select(part => $"{(part.Name == "content" ? "says" : "thinks")} {part.Value.GetString()}"));
    }

    [Fact]
    public async Task Thoughts_are_left_out_for_whoever_wants_none()
    {
        await using TestGateway gateway = await GatewayAsync();
        JsonElement message = (await gateway.PostForJsonAsync(Path, TestGateway.Chat(""","include_reasoning":false"""))).GetProperty("choices")[0].GetProperty("message");
        Assert.False(message.TryGetProperty("reasoning_content", out _));
        Assert.Equal("No.", message.GetProperty("content").GetString());
    }

    public static TheoryData<string, ReasoningOptions?> Wishes => new()
    {
        { "", null },
        { ""","reasoning_effort":"none" """, new ReasoningOptions { IsWanted = false } },
        { ""","reasoning_effort":"low" """, new ReasoningOptions { IsWanted = true } },
        { ""","thinking_token_budget":7""", new ReasoningOptions { MaxTokens = 7 } },
        { ""","reasoning_effort":"max","thinking_token_budget":1""", new ReasoningOptions { IsWanted = true, MaxTokens = 1 } },
    };

    [Theory]
    [MemberData(nameof(Wishes))]
    public async Task Whether_and_for_how_long_a_model_is_to_think_reaches_the_engine(string more, ReasoningOptions? expected) =>
        Assert.Equal(expected, (await AskedAsync(more)).Reasoning);

    [Fact]
    public async Task What_an_assistant_thought_before_is_given_to_the_template()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForJsonAsync(Path, """{"model":"tiny","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"c"},{"role":"user","content":"d"}]}""");
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal([null, "c", null], ((ChatPrompt)asked.Prompt).Messages.Select(message => message.ReasoningContent?.Value));
    }

    [Theory]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"a","reasoning_content":"c"}]}""", "messages[0].reasoning_content", "unsupported_parameter")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"a"}],"thinking_token_budget":0}""", "thinking_token_budget", "integer_below_min_value")]
    public async Task What_makes_no_sense_is_refused_by_name(string body, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(Path, body);
        Assert.Equal(param, (await ErrorAssert.IsErrorAsync(response, 400, code)).GetProperty("param").GetString());
    }
}
