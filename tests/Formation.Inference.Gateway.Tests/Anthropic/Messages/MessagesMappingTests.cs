using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Anthropic.Messages;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Tests.Anthropic.Messages;

public class MessagesMappingTests
{
    static GenerationRequest Map(string json) => MessagesMapping.ToGeneration(
        JsonBody.Parse(Encoding.UTF8.GetBytes(json), AnthropicJsonContext.Requests.MessagesRequest), "req_1", "acct");

    static GenerationRequest MapWith(string more) =>
        Map($$"""{"model":"tiny","max_tokens":16,"messages":[{"role":"user","content":"Hi"}]{{more}}}""");

    static ChatPrompt Prompt(string messages) => (ChatPrompt)Map($$"""{"model":"tiny","max_tokens":16,"messages":{{messages}}}""").Prompt;

    static string[] Texts(ChatPrompt prompt) => [.. prompt.Messages.Select(message => $"{message.Role}: {message.Content?.Value}")];

    [Fact]
    public void What_is_not_said_takes_the_defaults()
    {
        GenerationRequest request = MapWith("");
        Assert.Equal("req_1", request.RequestId);
        Assert.Equal("acct", request.AccountId);
        Assert.Equal("tiny", request.ModelId);
        Assert.Equal(SamplingParams.Default, request.Sampling);
        Assert.Equal(16, request.Stop.MaxTokens);
        Assert.Empty(request.Stop.Strings);
        Assert.Equal(1, request.Choices);
        var prompt = (ChatPrompt)request.Prompt;
        Assert.True(prompt.AddGenerationPrompt);
        Assert.Null(prompt.AssistantPrefix);
        Assert.Null(prompt.TemplateVariables);
        Assert.Null(prompt.Tools);
    }

    [Fact]
    public void Sampling_and_stop_sequences_arrive()
    {
        GenerationRequest request = MapWith(""","temperature":0.5,"top_p":0.25,"top_k":40,"stop_sequences":["a","b"]""");
        Assert.Equal((0.5f, 0.25f, 40), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK));
        Assert.Equal(["a", "b"], request.Stop.Strings);
        Assert.Equal(float.Epsilon, MapWith(""","top_p":0""").Sampling.TopP);
    }

    [Fact]
    public void Null_is_the_same_as_nothing()
    {
        GenerationRequest request = MapWith("""
            ,"temperature":null,"top_p":null,"top_k":null,"stop_sequences":null,"stream":null,"system":null,"metadata":null,"service_tier":null,
            "thinking":null,"tools":null,"tool_choice":null,"cache_control":null,"container":null,"diagnostics":null,"inference_geo":null,
            "output_config":null,"speed":null
            """);
        Assert.Equal(SamplingParams.Default, request.Sampling);
        Assert.Null(((ChatPrompt)request.Prompt).TemplateVariables);
    }

    [Fact]
    public void A_system_prompt_comes_first_as_a_text_or_as_blocks()
    {
        Assert.Equal(["system: Be brief.", "user: Hi"], Texts((ChatPrompt)MapWith(""","system":"Be brief." """).Prompt));
        Assert.Equal(["system: Be\nbrief.", "user: Hi"], Texts((ChatPrompt)MapWith(
            ""","system":[{"type":"text","text":"Be"},{"type":"text","text":"brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}]""").Prompt));
    }

    [Fact]
    public void Turns_of_one_role_that_follow_each_other_are_one()
    {
        ChatPrompt prompt = Prompt("""
            [{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c","citations":null}]},
             {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"d"}]},
             {"role":"system","content":"e"},{"role":"user","content":"f"}]
            """);
        Assert.Equal(["user: a\nb\nc", "assistant: d", "system: e", "user: f"], Texts(prompt));
    }

    [Fact]
    public void The_assistants_last_word_is_the_beginning_of_the_answer()
    {
        ChatPrompt prompt = Prompt("""[{"role":"user","content":"a"},{"role":"assistant","content":"The best"},{"role":"assistant","content":"answer is ("}]""");
        Assert.Equal(["user: a"], Texts(prompt));
        Assert.Equal("The best\nanswer is (", prompt.AssistantPrefix!.Value.Value);
        Assert.Null(Prompt("""[{"role":"user","content":"a"},{"role":"assistant","content":""}]""").AssistantPrefix);
    }

    [Fact]
    public void Tool_calls_and_their_results_reach_the_template_in_the_shape_that_it_knows()
    {
        ChatPrompt prompt = Prompt("""
            [{"role":"user","content":"What is it worth?"},
             {"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"t1","name":"price","input":{"of": "it"},"caller":{"type":"direct"}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"259.75"}],"is_error":false},{"type":"text","text":"Well?"}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"t2","name":"none","input":{}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"t2"}]}]
            """);
        Assert.Equal(["user: What is it worth?", "assistant: I look.", "tool: 259.75", "user: Well?", "assistant: ", "tool: "], Texts(prompt));
        Assert.Equal(
            """[{"id":"t1","type":"function","function":{"name":"price","arguments":"{\u0022of\u0022: \u0022it\u0022}"}}]""",
            prompt.Messages[1].ToolCalls!.Value.GetRawText());
        Assert.Equal("t1", prompt.Messages[2].ToolCallId);
        Assert.Null(prompt.Messages[4].Content);
    }

    [Fact]
    public void The_effort_reaches_the_template()
    {
        var prompt = (ChatPrompt)MapWith(""","output_config":{"effort":"low"}""").Prompt;
        Assert.Equal("low", prompt.TemplateVariables!["reasoning_effort"].GetString());
    }

    [Fact]
    public void Text_of_a_request_is_not_in_its_string_form()
    {
        GenerationRequest request = Map("""
            {"model":"tiny","max_tokens":1,"messages":[{"role":"user","content":"CANARY"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"CANARY":1}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"CANARY"}]},{"role":"assistant","content":"CANARY"}],
            "tools":[{"name":"f","description":"CANARY","input_schema":{"type":"object"}}],
            "output_config":{"format":{"type":"json_schema","schema":{"title":"CANARY"}}}}
            """);
        Assert.DoesNotContain("CANARY", request.ToString());
        Assert.DoesNotContain("CANARY", request.Prompt.ToString());
        Assert.All(((ChatPrompt)request.Prompt).Messages, message => Assert.DoesNotContain("CANARY", message.ToString()));
    }
}
