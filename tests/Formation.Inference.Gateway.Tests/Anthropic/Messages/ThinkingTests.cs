using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Messages;

/// <summary>A model's thoughts, as Anthropic's API tells them.</summary>
public sealed class ThinkingTests
{
    const string Path = "/v1/messages";
    const string Enabled = ""","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024}""";

    // From Python's hashlib and base64.
    const string Signature = "m70JpmrMn7A0Xvd8+PxPw+9RSZ/8jS7f77K9mdnD4Yc=";

    static readonly GenerationEvent[] Said =
    [
        new GenerationStarted(3) { Reasoning = new ReasoningSyntax("<think>", "</think>", "\n\n") { IsOpen = true }, ToolCalls = ToolCallSyntax.Default },
        new GenerationDelta(0, "\nShould I", []),
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

    static string Body(string more, string messages = """[{"role":"user","content":"Hi"}]""") =>
        $$"""{"model":"tiny","messages":{{messages}}{{(more.Contains("max_tokens", StringComparison.Ordinal) ? "" : ",\"max_tokens\":5")}}{{more}}}""";

    static async Task<JsonElement> AskAsync(TestGateway gateway, string more) =>
        JsonElement.Parse(await gateway.SendAnthropicForTextAsync(Path, Body(more)));

    [Theory]
    [InlineData(Enabled, true)]
    [InlineData(""","thinking":{"type":"adaptive"}""", true)]
    [InlineData(""","thinking":{"type":"adaptive","display":"summarized"}""", true)]
    [InlineData(""","thinking":{"type":"adaptive","display":"omitted"}""", false)]
    public async Task A_whole_answer_has_a_block_for_the_thought_before_its_text(string more, bool isShown)
    {
        await using TestGateway gateway = await GatewayAsync();
        JsonElement answer = await AskAsync(gateway, more);
        JsonElement[] blocks = [.. answer.GetProperty("content").EnumerateArray()];
        Assert.Equal(["thinking", "text"], blocks.Select(block => block.GetProperty("type").GetString()));
        Assert.Equal(isShown ? "Should I call <tool_call>?" : "", blocks[0].GetProperty("thinking").GetString());
        Assert.Equal(Signature, blocks[0].GetProperty("signature").GetString());
        Assert.Equal("No.", blocks[1].GetProperty("text").GetString());
        Assert.Equal(6, answer.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("thinking_tokens").GetInt32());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","thinking":{"type":"disabled"}""")]
    public async Task A_thought_that_nobody_asked_for_is_left_out(string more)
    {
        await using TestGateway gateway = await GatewayAsync();
        JsonElement block = Assert.Single((await AskAsync(gateway, more)).GetProperty("content").EnumerateArray());
        Assert.Equal("No.", block.GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_stream_has_the_same_blocks_with_the_signature_at_the_thoughts_end()
    {
        await using TestGateway gateway = await GatewayAsync();
        Transcript.Matches("message-stream-thinking.txt", await gateway.SendAnthropicForTextAsync(Path, Body(Enabled + ""","stream":true""")));
    }

    [Fact]
    public async Task A_stream_that_omits_thoughts_has_their_block_with_a_signature_alone()
    {
        await using TestGateway gateway = await GatewayAsync();
        string text = await gateway.SendAnthropicForTextAsync(Path, Body(""","thinking":{"type":"adaptive","display":"omitted"},"stream":true"""));
        Assert.DoesNotContain("Should", text);
        Assert.Contains(Signature, text);
    }

    public static TheoryData<string, ReasoningOptions> Wishes => new()
    {
        { "", new ReasoningOptions { IsWanted = false } },
        { ""","thinking":{"type":"disabled"}""", new ReasoningOptions { IsWanted = false } },
        { ""","thinking":{"type":"adaptive"}""", new ReasoningOptions { IsWanted = true } },
        { Enabled, new ReasoningOptions { IsWanted = true, MaxTokens = 1024 } },
    };

    [Theory]
    [MemberData(nameof(Wishes))]
    public async Task Whether_and_for_how_long_a_model_is_to_think_reaches_the_engine(string more, ReasoningOptions expected)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await AskAsync(gateway, more);
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal(expected, asked.Reasoning);
    }

    [Fact]
    public async Task Thoughts_of_earlier_turns_are_given_to_the_template()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.SendAnthropicForTextAsync(Path, Body("", """
            [{"role":"user","content":"a"},
             {"role":"assistant","content":[{"type":"thinking","thinking":"b","signature":"s"},{"type":"tool_use","id":"t","name":"f","input":{}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"c"}]},
             {"role":"assistant","content":[{"type":"redacted_thinking","data":"x"},{"type":"thinking","thinking":"","signature":"s"},{"type":"text","text":"d"}]},
             {"role":"user","content":"e"}]
            """));
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal([null, "b", null, null, null], ((ChatPrompt)asked.Prompt).Messages.Select(message => message.ReasoningContent?.Value));
    }

    [Theory]
    [InlineData(""","thinking":{"type":"enabled"}""", "thinking.budget_tokens")]
    [InlineData(""","thinking":{"type":"enabled","budget_tokens":1023}""", "thinking.budget_tokens")]
    [InlineData(""","max_tokens":1024,"thinking":{"type":"enabled","budget_tokens":1024}""", "max_tokens")]
    [InlineData(""","thinking":{"type":"adaptive","budget_tokens":1024}""", "thinking.budget_tokens")]
    [InlineData(""","thinking":{"type":"adaptive","display":"full"}""", "thinking.display")]
    [InlineData(""","thinking":{"type":"disabled","display":"omitted"}""", "thinking.display")]
    [InlineData(""","thinking":{"type":"between_tools"}""", "thinking.type")]
    public async Task What_makes_no_sense_is_refused_by_name(string more, string name)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, Body(more));
        Assert.Contains($"'{name}'", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }

    [Fact]
    public async Task A_given_beginning_of_the_answer_leaves_no_room_for_a_thought()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(
            Path, Body(""","thinking":{"type":"adaptive"}""", """[{"role":"user","content":"Hi"},{"role":"assistant","content":"It"}]"""));
        Assert.Contains("'thinking'", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }
}
