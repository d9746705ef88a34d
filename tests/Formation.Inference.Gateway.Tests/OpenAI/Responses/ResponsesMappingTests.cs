using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>What the backend gets of a request.</summary>
public class ResponsesMappingTests
{
    static async Task<GenerationRequest> AskedAsync(string more = "", string input = "\"Hi\"")
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync("/v1/responses", TestGateway.Respond(more, input));
        return gateway.Backend.Requests.Single();
    }

    static async Task<string[]> MessagesAsync(string more, string input) =>
        [.. ((ChatPrompt)(await AskedAsync(more, input)).Prompt).Messages.Select(message =>
            $"{message.Role}: {message.Content?.Value}{(message.ToolCalls is { } calls ? $" calls {calls.GetRawText()}" : "")}{(message.ToolCallId is { } id ? $" of {id}" : "")}")];

    [Fact]
    public async Task A_text_is_a_user_s_message_behind_the_instructions() =>
        Assert.Equal(["system: Be brief.", "user: Hi"], await MessagesAsync(""","instructions":"Be brief." """, "\"Hi\""));

    [Fact]
    public async Task Items_are_messages_with_their_roles_and_parts() => Assert.Equal(
        ["developer: D", "user: a\nb", "assistant: said\nno", "user: again"],
        await MessagesAsync("",
            """
            [{"role":"developer","content":"D"},
             {"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},
             {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"thought"}],"encrypted_content":"x"},
             {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"said","annotations":[]},{"type":"refusal","refusal":"no"}]},
             {"role":"user","content":"again"}]
            """));

    [Fact]
    public async Task Calls_are_of_the_turn_that_they_follow_and_results_answer_them() => Assert.Equal(
        [
            "user: q",
            """assistant: Let me look. calls [{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"{\u0022a\u0022:1}"}}]""",
            "tool: one of c1",
            "tool: two\nlines of c2",
            """assistant:  calls [{"id":"c3","type":"function","function":{"name":"f","arguments":"{}"}}]""",
            "tool: three of c3",
        ],
        await MessagesAsync("",
            """
            [{"role":"user","content":"q"},
             {"role":"assistant","content":"Let me look."},
             {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
             {"type":"function_call","id":"fc_2","call_id":"c2","name":"g","arguments":"{\"a\":1}","status":"completed"},
             {"type":"function_call_output","call_id":"c1","output":"one"},
             {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"},{"type":"input_text","text":"lines"}]},
             {"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},
             {"type":"function_call_output","call_id":"c3","output":"three"}]
            """));

    [Fact]
    public async Task Sampling_limits_and_effort_arrive()
    {
        GenerationRequest request = await AskedAsync(
            ""","temperature":0.5,"top_p":0.25,"max_output_tokens":7,"seed":5,"stop":["END"],"reasoning":{"effort":"low","summary":"auto"},"top_logprobs":3""");
        Assert.Equal((0.5f, 0.25f, 5L), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.Seed!.Value));
        Assert.Equal(7, request.Stop.MaxTokens);
        Assert.Equal(["END"], request.Stop.Strings);
        Assert.Equal(3, request.Logprobs!.Top);
        Assert.Equal("low", ((ChatPrompt)request.Prompt).TemplateVariables!["reasoning_effort"].GetString());
    }

    [Theory]
    [InlineData("""{"type":"text"}""", null, null)]
    [InlineData("""{"type":"json_object"}""", OutputFormatKind.JsonObject, null)]
    [InlineData("""{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}""", OutputFormatKind.JsonSchema, """{"type":"object"}""")]
    public async Task Formats_arrive(string format, OutputFormatKind? kind, string? source)
    {
        OutputFormat? asked = (await AskedAsync($",\"text\":{{\"format\":{format}}}")).Format;
        Assert.Equal(kind, asked?.Kind);
        if (source is not null)
            Assert.Equal(source, asked!.Source.Value);
    }

    const string Tools =
        ""","tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"g","parameters":null}]""";

    [Fact]
    public async Task Tools_reach_the_template_in_chat_s_form()
    {
        GenerationRequest request = await AskedAsync(Tools + ""","parallel_tool_calls":false""");
        Assert.Equal(
            """[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"g"}}]""",
            ((ChatPrompt)request.Prompt).Tools!.Value.GetRawText());
        Assert.Equal(new ToolUse(ToolChoice.Auto) { IsParallel = false }, request.ToolUse);
    }

    [Theory]
    [InlineData("\"none\"", null, null, "")]
    [InlineData("\"auto\"", ToolChoice.Auto, null, "f,g")]
    [InlineData("\"required\"", ToolChoice.Required, null, "f,g")]
    [InlineData("""{"type":"function","name":"g"}""", ToolChoice.Required, "g", "f,g")]
    [InlineData("""{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]}""", ToolChoice.Auto, null, "g")]
    [InlineData("""{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}]}""", ToolChoice.Required, null, "f,g")]
    public async Task Choices_of_tools_arrive_and_only_allowed_ones_are_shown(string choice, ToolChoice? expected, string? name, string shown)
    {
        GenerationRequest request = await AskedAsync($"{Tools},\"tool_choice\":{choice}");
        Assert.Equal(expected, request.ToolUse?.Choice);
        Assert.Equal(name, request.ToolUse?.Name);
        JsonElement? tools = ((ChatPrompt)request.Prompt).Tools;
        Assert.Equal(shown, string.Join(',', tools?.EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString()) ?? []));
    }

    [Fact]
    public async Task Tools_without_any_use_are_no_fault() =>
        Assert.Null((await AskedAsync(""","tools":[],"tool_choice":"auto","parallel_tool_calls":true""")).ToolUse);
}
