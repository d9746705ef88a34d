using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Tests.OpenAI.ChatCompletions;

public class ChatCompletionMappingTests
{
    static GenerationRequest Map(string json) => ChatCompletionMapping.ToGeneration(
        JsonBody.Parse(Encoding.UTF8.GetBytes(json), OpenAIJsonContext.Requests.ChatCompletionRequest), "req_1", "acct", keeps: true, new IgnoredFields());

    static GenerationRequest MapWith(string more) => Map($$"""{"model":"tiny","messages":[{"role":"user","content":"Hi"}]{{more}}}""");

    static IReadOnlyList<ChatMessage> Messages(string messages) =>
        ((ChatPrompt)Map($$"""{"model":"tiny","messages":{{messages}}}""").Prompt).Messages;

    [Fact]
    public void What_is_not_said_takes_the_defaults()
    {
        GenerationRequest request = MapWith("");
        Assert.Equal("req_1", request.RequestId);
        Assert.Equal("acct", request.AccountId);
        Assert.Equal("tiny", request.ModelId);
        Assert.Equal(SamplingParams.Default, request.Sampling);
        Assert.Null(request.Stop.MaxTokens);
        Assert.Empty(request.Stop.Strings);
        Assert.Equal(1, request.Choices);
        Assert.Null(request.Logprobs);
        Assert.False(request.EchoPrompt);
        var prompt = (ChatPrompt)request.Prompt;
        Assert.True(prompt.AddGenerationPrompt);
        Assert.Null(prompt.TemplateVariables);
        Assert.Null(prompt.Tools);
    }

    [Fact]
    public void Every_sampling_parameter_arrives()
    {
        SamplingParams sampling = MapWith("""
            ,"temperature":0.5,"top_p":0.25,"top_k":40,"min_p":0.125,"typical_p":0.75,"repetition_penalty":1.5,
            "frequency_penalty":-2,"presence_penalty":2,"logit_bias":{"17":-100,"0":2.5},"seed":-9223372036854775808
            """).Sampling;
        Assert.Equal(0.5f, sampling.Temperature);
        Assert.Equal(0.25f, sampling.TopP);
        Assert.Equal(40, sampling.TopK);
        Assert.Equal(0.125f, sampling.MinP);
        Assert.Equal(0.75f, sampling.TypicalP);
        Assert.Equal(1.5f, sampling.RepetitionPenalty);
        Assert.Equal(-2, sampling.FrequencyPenalty);
        Assert.Equal(2, sampling.PresencePenalty);
        Assert.Equal(new Dictionary<int, float> { [17] = -100, [0] = 2.5f }, sampling.LogitBias!.ToDictionary());
        Assert.Equal(long.MinValue, sampling.Seed);
    }

    [Fact]
    public void Every_stop_condition_arrives()
    {
        GenerationRequest request = MapWith(
            ""","n":3,"stop":["a","b"],"stop_token_ids":[7,8],"min_tokens":2,"ignore_eos":true,"max_completion_tokens":9,"logprobs":true,"top_logprobs":20""");
        Assert.Equal(3, request.Choices);
        Assert.Equal(["a", "b"], request.Stop.Strings);
        Assert.Equal([7, 8], request.Stop.TokenIds);
        Assert.Equal(2, request.Stop.MinTokens);
        Assert.Equal(9, request.Stop.MaxTokens);
        Assert.True(request.Stop.IgnoreEndOfGeneration);
        Assert.Equal(20, request.Logprobs!.Top);
    }

    [Fact]
    public void Null_is_the_same_as_nothing()
    {
        GenerationRequest request = MapWith("""
            ,"temperature":null,"top_p":null,"n":null,"stop":null,"max_tokens":null,"max_completion_tokens":null,"seed":null,"logit_bias":null,
            "presence_penalty":null,"frequency_penalty":null,"stream":null,"stream_options":null,"user":null,"logprobs":null,"top_logprobs":null,
            "reasoning_effort":null,"response_format":null,"tool_choice":null,"modalities":null,"store":null,"metadata":null,"service_tier":null,
            "verbosity":null,"safety_identifier":null,"prompt_cache_key":null,"prompt_cache_retention":null,"tools":null,"audio":null,
            "prediction":null,"web_search_options":null,"functions":null,"function_call":null,"parallel_tool_calls":null,"moderation":null
            """);
        Assert.Equal(SamplingParams.Default, request.Sampling);
        Assert.Equal(1, request.Choices);
    }

    [Theory]
    [InlineData(""" "response_format":{"type":"json_object"} """, OutputFormatKind.JsonObject, "")]
    [InlineData(""" "response_format":{"type":"json_schema","json_schema":{"name":"a-1_B","schema":{"type":"object"},"strict":true,"description":"d"}} """, OutputFormatKind.JsonSchema, """{"type":"object"}""")]
    [InlineData(""" "response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type": "object"},"strict":false}} """, OutputFormatKind.JsonSchema, """{"type": "object"}""")]
    [InlineData(""" "response_format":{"type":"json_schema","json_schema":{"name":"a"}} """, OutputFormatKind.JsonObject, "")]
    [InlineData(""" "structured_outputs":{"json":{"type":"array"}} """, OutputFormatKind.JsonSchema, """{"type":"array"}""")]
    [InlineData(""" "structured_outputs":{"json_object":true} """, OutputFormatKind.JsonObject, "")]
    [InlineData(""" "structured_outputs":{"regex":"a+b"} """, OutputFormatKind.Pattern, "a+b")]
    [InlineData(""" "structured_outputs":{"grammar":"root ::= \"a\""} """, OutputFormatKind.Grammar, "root ::= \"a\"")]
    [InlineData(""" "structured_outputs":{"choice":["yes","nein"]} """, OutputFormatKind.Choice, """["yes","nein"]""")]
    public void A_format_is_asked_for_in_either_way(string parameter, OutputFormatKind kind, string source) =>
        Assert.Equal(new OutputFormat(kind, source), MapWith($",{parameter}").Format);

    [Theory]
    [InlineData("", null, null, true)]
    [InlineData(""" ,"tool_choice":"auto" """, ToolChoice.Auto, null, true)]
    [InlineData(""" ,"tool_choice":"required","parallel_tool_calls":false """, ToolChoice.Required, null, false)]
    [InlineData(""" ,"tool_choice":{"type":"function","function":{"name":"f"}} """, ToolChoice.Required, "f", false)]
    public void Tools_are_shown_and_may_be_called(string more, ToolChoice? choice, string? name, bool isParallel)
    {
        GenerationRequest request = MapWith(""","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}]""" + more);
        Assert.Equal(new ToolUse(choice ?? ToolChoice.Auto) { Name = name, IsParallel = isParallel }, request.ToolUse);
        Assert.Equal(1, ((ChatPrompt)request.Prompt).Tools!.Value.GetArrayLength());
    }

    [Fact]
    public void Tools_that_may_not_be_called_are_not_shown()
    {
        GenerationRequest request = MapWith(""","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none" """);
        Assert.Null(request.ToolUse);
        Assert.Null(((ChatPrompt)request.Prompt).Tools);
    }

    [Fact]
    public void Text_is_no_format() => Assert.Null(MapWith(""","response_format":{"type":"text"}""").Format);

    [Fact]
    public void Harmless_parameters_without_effect_are_accepted()
    {
        GenerationRequest request = MapWith("""
            ,"user":"u","safety_identifier":"s","prompt_cache_key":"k","prompt_cache_retention":"in_memory","metadata":{"a":"b"},"store":false,
            "service_tier":"auto","verbosity":"medium","response_format":{"type":"text"},"tool_choice":"none","modalities":["text"]
            """);
        Assert.Equal(SamplingParams.Default, request.Sampling);
    }

    [Fact]
    public void The_old_and_the_new_token_limit_may_both_be_given_when_they_agree() =>
        Assert.Equal(5, MapWith(""","max_tokens":5,"max_completion_tokens":5""").Stop.MaxTokens);

    [Fact]
    public void A_top_p_of_0_keeps_the_most_probable_token() => Assert.Equal(float.Epsilon, MapWith(""","top_p":0""").Sampling.TopP);

    [Fact]
    public void A_top_k_of_minus_1_is_off() => Assert.Equal(0, MapWith(""","top_k":-1""").Sampling.TopK);

    [Fact]
    public void One_stop_string_may_stand_without_an_array() => Assert.Equal(["x"], MapWith(""","stop":"x" """).Stop.Strings);

    [Fact]
    public void Template_variables_and_effort_reach_the_template()
    {
        var prompt = (ChatPrompt)MapWith(
            ""","chat_template_kwargs":{"enable_thinking":false},"reasoning_effort":"low","add_generation_prompt":false""").Prompt;
        Assert.False(prompt.AddGenerationPrompt);
        Assert.Equal(JsonValueKind.False, prompt.TemplateVariables!["enable_thinking"].ValueKind);
        Assert.Equal("low", prompt.TemplateVariables["reasoning_effort"].GetString());
    }

    [Fact]
    public void Every_role_is_mapped()
    {
        IReadOnlyList<ChatMessage> messages = Messages("""
            [{"role":"system","content":"s"},{"role":"developer","content":"d","name":"boss"},{"role":"user","content":"u"},
             {"role":"assistant","content":"a"},{"role":"tool","tool_call_id":"c1","content":"t"},{"role":"function","name":"f","content":"r"}]
            """);
        Assert.Equal(["system", "developer", "user", "assistant", "tool", "tool"], messages.Select(m => m.Role));
        Assert.Equal(["s", "d", "u", "a", "t", "r"], messages.Select(m => m.Content!.Value.Value));
        Assert.Equal("boss", messages[1].Name);
        Assert.Equal("c1", messages[4].ToolCallId);
        Assert.Equal("f", messages[5].Name);
    }

    [Fact]
    public void Text_parts_become_one_text_with_line_breaks() => Assert.Equal(
        "one\ntwo",
        Messages("""[{"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}]""")[0].Content!.Value.Value);

    [Theory]
    [InlineData("""{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}""")]
    [InlineData("""{"role":"assistant","refusal":"no"}""")]
    [InlineData("""{"role":"assistant","content":null,"refusal":"no"}""")]
    public void A_refusal_is_what_the_assistant_said(string message) => Assert.Equal("no", Messages($"[{message}]")[0].Content!.Value.Value);

    [Fact]
    public void Tool_calls_reach_the_template_as_they_are()
    {
        const string Calls = """[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]""";
        ChatMessage message = Messages($$"""[{"role":"assistant","content":null,"tool_calls":{{Calls}}}]""")[0];
        Assert.Null(message.Content);
        Assert.Equal(Calls, message.ToolCalls!.Value.GetRawText());
    }

    [Fact]
    public void An_old_function_call_becomes_a_tool_call()
    {
        ChatMessage message = Messages("""[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]""")[0];
        Assert.Equal("""[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}}]""", message.ToolCalls!.Value.GetRawText());
    }

    [Fact]
    public void Text_of_a_request_is_not_in_its_string_form()
    {
        GenerationRequest request = Map("""{"model":"tiny","messages":[{"role":"user","content":"CANARY"}]}""");
        Assert.DoesNotContain("CANARY", request.ToString());
        Assert.DoesNotContain("CANARY", ((ChatPrompt)request.Prompt).Messages[0].ToString());
    }
}
