using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>A model's thoughts, as items of a response.</summary>
public sealed class ReasoningItemTests
{
    const string Path = "/v1/responses";
    const string Tools = ""","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]""";

    static readonly GenerationStarted Started = new(3) { Reasoning = new ReasoningSyntax("<think>", "</think>", "\n\n"), ToolCalls = ToolCallSyntax.Default };

    static readonly GenerationEvent[] Said =
    [
        Started,
        new GenerationDelta(0, "<think>\nShould I", [Scripts.Token("<think>", -1), Scripts.Token("\nShould I", -1)]),
        new GenerationDelta(0, " call <tool_call>?\n</thi", [Scripts.Token(" call <tool_call>?\n</thi", -1)]),
        new GenerationDelta(0, "nk>\n\nNo", [Scripts.Token("nk>", -1), Scripts.Token("\n\n", -1), Scripts.Token("No", -1)]),
        new GenerationDelta(0, ".", [Scripts.Token(".", -1)]),
        new GenerationFinished(0, FinishReason.Stop, 9) { ReasoningTokens = 6 },
    ];

    static async Task<TestGateway> GatewayAsync(params GenerationEvent[] events)
    {
        TestGateway gateway = await TestGateway.StartAsync();
        if (events.Length > 0)
            gateway.Backend.Script = Scripts.Events(events);
        return gateway;
    }

    static async Task<JsonElement> AskAsync(TestGateway gateway, string more) => await gateway.PostForJsonAsync(Path, TestGateway.Respond(more));

    static string[] Types(JsonElement response) => [.. response.GetProperty("output").EnumerateArray().Select(item => item.GetProperty("type").GetString()!)];

    [Fact]
    public async Task A_stream_tells_the_thought_as_an_item_before_the_message()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        Transcript.Matches("response-stream-reasoning.txt", await gateway.PostForTextAsync(Path, TestGateway.Respond(Tools + ""","stream":true""")));
    }

    [Fact]
    public async Task A_whole_response_has_both_items_and_counts_the_thoughts_tokens()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        JsonElement response = await AskAsync(gateway, ""","include":["message.output_text.logprobs"]""");
        Assert.Equal(["reasoning", "message"], Types(response));
        Assert.Equal("Should I call <tool_call>?", response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        JsonElement part = response.GetProperty("output")[1].GetProperty("content")[0];
        Assert.Equal("No.", part.GetProperty("text").GetString());
        Assert.Equal(["No", "."], part.GetProperty("logprobs").EnumerateArray().Select(token => token.GetProperty("token").GetString()));
        Assert.Equal(6, response.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("reasoning_tokens").GetInt32());
    }

    [Fact]
    public async Task One_that_is_cut_in_its_thought_has_no_message_and_one_that_ends_there_an_empty_one()
    {
        await using TestGateway cut = await GatewayAsync(Started, Said[1], new GenerationFinished(0, FinishReason.Length, 2));
        JsonElement response = await AskAsync(cut, "");
        Assert.Equal(["reasoning"], Types(response));
        Assert.Equal("incomplete", response.GetProperty("output")[0].GetProperty("status").GetString());
        await using TestGateway ended = await GatewayAsync(Started, Said[1], new GenerationFinished(0, FinishReason.Stop, 2));
        Assert.Equal(["reasoning", "message"], Types(await AskAsync(ended, "")));
    }

    [Fact]
    public async Task A_call_behind_a_thought_is_the_next_item()
    {
        await using TestGateway gateway = await GatewayAsync(
            Started, new GenerationDelta(0, "<think>Hm.</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []), new GenerationFinished(0, FinishReason.Stop, 2));
        Assert.Equal(["reasoning", "function_call"], Types(await AskAsync(gateway, Tools)));
    }

    [Fact]
    public async Task Thoughts_that_come_back_are_given_to_the_template_with_what_followed_them()
    {
        await using TestGateway gateway = await GatewayAsync();
        await gateway.PostForJsonAsync(Path, """
            {"model":"tiny","input":[{"role":"user","content":"a"},
             {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"b"}]},
             {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"d"},
             {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"x"},{"role":"assistant","content":"e"},{"role":"user","content":"g"}]}
            """);
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        IReadOnlyList<ChatMessage> messages = ((ChatPrompt)asked.Prompt).Messages;
        Assert.Equal(["user", "assistant", "tool", "assistant", "user"], messages.Select(message => message.Role));
        Assert.Equal([null, "b", null, null, null], messages.Select(message => message.ReasoningContent?.Value));
    }

    [Fact]
    public async Task A_response_that_goes_on_with_one_that_thought_gives_its_thought_to_the_template()
    {
        await using TestGateway gateway = await GatewayAsync(Said);
        string id = (await AskAsync(gateway, "")).GetProperty("id").GetString()!;
        await AskAsync(gateway, $",\"previous_response_id\":\"{id}\"");
        GenerationRequest asked = gateway.Backend.Requests.Last();
        Assert.Equal([null, "Should I call <tool_call>?", null], ((ChatPrompt)asked.Prompt).Messages.Select(message => message.ReasoningContent?.Value));
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("high", true)]
    public async Task The_effort_says_whether_the_model_is_to_think(string effort, bool isWanted)
    {
        await using TestGateway gateway = await GatewayAsync();
        await AskAsync(gateway, $$""","reasoning":{"effort":"{{effort}}"}""");
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        Assert.Equal(new ReasoningOptions { IsWanted = isWanted }, asked.Reasoning);
    }

    [Theory]
    [InlineData("""{"type":"reasoning","summary":[],"content":"b"}""", "input[0].content", "invalid_type")]
    [InlineData("""{"type":"reasoning","summary":[],"content":[{"type":"output_text","text":"b"}]}""", "input[0].content[0].type", "invalid_value")]
    public async Task A_thought_that_is_none_is_refused_with_its_place(string item, string param, string code)
    {
        await using TestGateway gateway = await GatewayAsync();
        using HttpResponseMessage response = await gateway.PostAsync(Path, $$"""{"model":"tiny","input":[{{item}}]}""");
        Assert.Equal(param, (await ErrorAssert.IsErrorAsync(response, 400, code)).GetProperty("param").GetString());
    }
}
