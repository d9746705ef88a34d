using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Errors;

/// <summary>Bodies that must be refused, each with words that the message must have: the parameter at fault, and why.</summary>
public class MalformedMessagesTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    const string Base = """{"model":"tiny","max_tokens":5,"messages":[{"role":"user","content":"x"}]""";

    [Theory]

    // Syntax and names.
    [InlineData("", "line 1")]
    [InlineData("null", "`null`")]
    [InlineData("""{"model":"tiny","model":"tiny"}""", "'model'", "more than once")]
    [InlineData("""BASE,"foo":null}""", "foo: extra inputs are not permitted")]
    [InlineData("""BASE,"max_token":1}""", "max_token: extra inputs are not permitted")]
    [InlineData("""BASE,"messages2":[]}""", "messages2: extra inputs are not permitted")]
    [InlineData("""BASE,"betas":["x"]}""", "betas: extra inputs are not permitted")]
    [InlineData("""BASE,"metadata":{"user":"x"}}""", "metadata.user: extra inputs are not permitted")]
    [InlineData("""BASE,"thinking":{"type":"disabled","x":1}}""", "thinking.x: extra inputs are not permitted")]
    [InlineData("""BASE,"cache_control":{"type":"ephemeral","x":1}}""", "cache_control.x: extra inputs are not permitted")]
    [InlineData("""BASE,"output_config":{"x":1}}""", "output_config.x: extra inputs are not permitted")]
    [InlineData("""BASE,"tool_choice":{"type":"none","name":"f"}}""", "tool_choice.name: extra inputs are not permitted")]
    [InlineData("""TURN{"role":"user","content":"x","name":"y"}]}""", "messages[0].name: extra inputs are not permitted")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text","text":"x","y":1}]}]}""", "messages[0].content[0].y: extra inputs are not permitted")]

    // What is required.
    [InlineData("""{"max_tokens":5,"messages":[{"role":"user","content":"x"}]}""", "'model'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"x"}]}""", "'max_tokens'")]
    [InlineData("""{"model":"tiny","max_tokens":5}""", "'messages'")]
    [InlineData("""TURN]}""", "'messages'", "1 or more")]
    [InlineData("""TURNnull]}""", "'messages[0]'", "null")]
    [InlineData("""TURN{"content":"x"}]}""", "'messages[0].role'")]
    [InlineData("""TURN{"role":"user"}]}""", "'messages[0].content'")]

    // Messages and blocks.
    [InlineData("""TURN{"role":"tool","content":"x"}]}""", "'messages[0].role'", "'tool'")]
    [InlineData("""TURN{"role":"user","content":7}]}""", "'messages[0].content'", "content blocks")]
    [InlineData("""TURN{"role":"user","content":[]}]}""", "'messages[0].content'", "1 or more")]
    [InlineData("""TURN{"role":"user","content":["x"]}]}""", "'messages[0].content[0]'", "an object")]
    [InlineData("""TURN{"role":"user","content":[{"text":"x"}]}]}""", "'messages[0].content[0].type'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text"}]}]}""", "'messages[0].content[0].text'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"magic"}]}]}""", "'messages[0].content[0].type'", "'magic'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"image","source":{}}]}]}""", "'messages[0].content[0]'", "'image'", "text only")]
    [InlineData("""TURN{"role":"user","content":[{"type":"document","source":{}}]}]}""", "'messages[0].content[0]'", "'document'", "text only")]
    [InlineData("""TURN{"role":"user","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}]}""", "'messages[0].content[0].type'", "'tool_use'")]
    [InlineData("""TURN{"role":"system","content":[{"type":"image"}]}]}""", "'messages[0].content[0]'", "'image'")]
    [InlineData("""BASE,"system":[{"type":"image"}]}""", "'system[0]'", "'image'")]
    [InlineData("""BASE,"system":5}""", "'system'", "content blocks")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text","text":"x","cache_control":5}]}]}""", "'messages[0].content[0].cache_control'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"long"}}]}]}""", "'messages[0].content[0].cache_control.type'", "'long'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"2h"}}]}]}""", "cache_control.ttl", "'2h'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"text","text":"x","citations":[{}]}]}]}""", "'messages[0].content[0].citations'")]
    [InlineData("""TURN{"role":"user","content":"\ud800"}]}""", "'messages[0].content'", "surrogate")]

    // The assistant's beginning.
    [InlineData("""TURN{"role":"assistant","content":"x"}]}""", "'messages'", "nothing to answer")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":"y "}]}""", "'messages[1].content'", "white space")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}]}""", "'messages[1]'", "tool calls")]

    // Tools.
    [InlineData("""BASE,"tools":{}}""", "'tools'", "an array")]
    [InlineData("""BASE,"tools":[1]}""", "'tools[0]'", "an object")]
    [InlineData("""BASE,"tools":[{"type":"bash_20250124","name":"bash"}]}""", "'tools[0].type'", "bash_20250124")]
    [InlineData("""BASE,"tools":[{"input_schema":{"type":"object"}}]}""", "'tools[0].name'")]
    [InlineData("""BASE,"tools":[{"name":"a b","input_schema":{"type":"object"}}]}""", "'tools[0].name'", "letters")]
    [InlineData("""BASE,"tools":[{"name":"f"}]}""", "'tools[0].input_schema'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":true}]}""", "'tools[0].input_schema'", "an object")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{}}]}""", "'tools[0].input_schema.type'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"array"}}]}""", "'tools[0].input_schema.type'", "'object'")]
    [InlineData("""BASE,"tools":[{"name":"f","description":1,"input_schema":{"type":"object"}}]}""", "'tools[0].description'", "a string")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"},"strict":1}]}""", "'tools[0].strict'", "a boolean")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"},"defer_loading":true}]}""", "'tools[0].defer_loading'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"},"allowed_callers":["code_execution_20250825"]}]}""", "'tools[0].allowed_callers'", "'direct'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"never"}}]}""", "'tools[0].cache_control.type'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"},"parameters":{}}]}""", "tools[0].parameters", "extra inputs")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"f","input_schema":{"type":"object"}}]}""", "'tools[1].name'", "another tool")]
    [InlineData("""BASE,"tool_choice":"any"}""", "'tool_choice'", "an object")]
    [InlineData("""BASE,"tool_choice":{"type":"required"}}""", "'tool_choice.type'", "'any'")]
    [InlineData("""BASE,"tool_choice":{"type":"any"}}""", "'tool_choice'", "'tools'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool"}}""", "'tool_choice.name'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"g"}}""", "'tool_choice.name'", "none of 'tools'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":1}}""", "'tool_choice.disable_parallel_tool_use'")]
    [InlineData("""BASE,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","name":"f"}}""", "tool_choice.name", "extra inputs")]
    [InlineData("""BASE,"output_config":{"format":"json"}}""", "'output_config.format'", "an object")]
    [InlineData("""BASE,"output_config":{"format":{"type":"json_object"}}}""", "'output_config.format.type'", "'json_schema'")]
    [InlineData("""BASE,"output_config":{"format":{"type":"json_schema"}}}""", "'output_config.format.schema'")]
    [InlineData("""BASE,"output_config":{"format":{"type":"json_schema","schema":[]}}}""", "'output_config.format.schema'", "an object")]
    [InlineData("""BASE,"tool_choice":{"type":"dice"}}""", "'tool_choice.type'", "'dice'")]
    [InlineData("""BASE,"tool_choice":"none"}""", "'tool_choice'", "an object")]
    [InlineData("""BASE,"tool_choice":{}}""", "'tool_choice.type'")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{}}]}]}""", "'messages[1].content[0].id'")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","input":{}}]}]}""", "'messages[1].content[0].name'")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f"}]}]}""", "'messages[1].content[0].input'")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}]}""", "'messages[1].content[0].input'", "an object")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{},"caller":{"type":"code"}}]}]}""", "'messages[1].content[0].caller'")]
    [InlineData("""TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{},"toolset_name":"b"}]}]}""", "'messages[1].content[0].toolset_name'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}""", "'messages[0].content[0].tool_use_id'")]
    [InlineData("""TURN{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]}""", "'messages[0].content[0].tool_use_id'", "no 'tool_use' block")]
    [InlineData("""CALL{"type":"tool_result","tool_use_id":"t","is_error":"no"}]}]}""", "is_error", "a boolean")]
    [InlineData("""CALL{"type":"tool_result","tool_use_id":"t","content":[{"type":"image"}]}]}]}""", "'image'", "text only")]

    // Values.
    [InlineData("""{"model":"tiny","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""", "'max_tokens'", ">= 1")]
    [InlineData("""BASE,"temperature":1.1}""", "'temperature'", "<= 1")]
    [InlineData("""BASE,"temperature":-0.1}""", "'temperature'", ">= 0")]
    [InlineData("""BASE,"temperature":"1"}""", "'temperature'", "a decimal, but got a string")]
    [InlineData("""BASE,"top_p":2}""", "'top_p'", "<= 1")]
    [InlineData("""BASE,"top_k":-1}""", "'top_k'", ">= 0")]
    [InlineData("""BASE,"stream":"yes"}""", "'stream'", "a boolean")]
    [InlineData("""BASE,"stop_sequences":"x"}""", "'stop_sequences'", "an array")]
    [InlineData("""BASE,"stop_sequences":[""]}""", "'stop_sequences[0]'", "at least one character")]
    [InlineData("""BASE,"stop_sequences":[null]}""", "'stop_sequences[0]'", "null")]
    [InlineData("""BASE,"stop_sequences":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]}""", "'stop_sequences'", "16")]
    [InlineData("""BASE,"metadata":{"user_id":"LONG"}}""", "'metadata.user_id'", "512")]
    [InlineData("""BASE,"service_tier":"priority"}""", "'service_tier'", "'priority'")]
    [InlineData("""BASE,"speed":"fast"}""", "'speed'", "one speed")]
    [InlineData("""BASE,"thinking":{}}""", "'thinking.type'")]
    [InlineData("""BASE,"thinking":{"type":"enabled","budget_tokens":1024}}""", "'thinking.budget_tokens'", "'max_tokens'")]
    [InlineData("""BASE,"thinking":{"type":"always"}}""", "'thinking.type'", "'always'")]
    [InlineData("""BASE,"cache_control":{}}""", "'cache_control.type'")]
    [InlineData("""BASE,"cache_control":{"type":"ephemeral","ttl":"1d"}}""", "'cache_control.ttl'", "'1d'")]
    [InlineData("""BASE,"output_config":{"effort":"little"}}""", "'output_config.effort'", "'little'")]
    [InlineData("""BASE,"container":"c"}""", "'container'")]
    [InlineData("""BASE,"diagnostics":{}}""", "'diagnostics'")]
    [InlineData("""BASE,"inference_geo":"eu"}""", "'inference_geo'")]
    public async Task A_body_is_refused(string body, params string[] words)
    {
        TestGateway gateway = shared.Gateway;
        string json = body
            .Replace("BASE", Base)
            .Replace("CALL", """TURN{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[""")
            .Replace("TURN", """{"model":"tiny","max_tokens":5,"messages":[""")
            .Replace("LONG", new string('x', 2000));
        using HttpResponseMessage response = await gateway.SendAnthropicAsync("/v1/messages", json);
        string message = await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error");
        Assert.All(words, word => Assert.Contains(word, message));
        Assert.Empty(gateway.Backend.Requests);
    }

    [Theory]
    [InlineData("max_tokens", "5")]
    [InlineData("stream", "false")]
    [InlineData("temperature", "1")]
    [InlineData("stop_sequences", "[]")]
    [InlineData("metadata", "{}")]
    public async Task What_makes_no_prompt_is_refused_where_tokens_are_counted(string field, string value)
    {
        using HttpResponseMessage response = await shared.Gateway.SendAnthropicAsync(
            "/v1/messages/count_tokens", $$"""{"model":"tiny","messages":[{"role":"user","content":"x"}],"{{field}}":{{value}}}""");
        Assert.StartsWith($"{field}: extra inputs", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }

    [Fact]
    public async Task Turns_beyond_the_limit_are_refused()
    {
        string turns = string.Join(',', Enumerable.Repeat("""{"role":"user","content":"x"}""", 2049));
        using HttpResponseMessage response = await shared.Gateway.SendAnthropicAsync(
            "/v1/messages", $$"""{"model":"tiny","max_tokens":5,"messages":[{{turns}}]}""");
        Assert.Contains("2048", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }

    [Fact]
    public async Task Results_beyond_the_limit_of_messages_are_refused()
    {
        string results = string.Join(',', Enumerable.Repeat("""{"type":"tool_result","tool_use_id":"t"}""", 2048));
        string turn = $$"""{"role":"user","content":[{{results}}]}""";
        using HttpResponseMessage response = await shared.Gateway.SendAnthropicAsync(
            "/v1/messages",
            """{"model":"tiny","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},"""
                + $"{turn},{turn},{turn}]}}");
        Assert.Contains("4096", await ErrorAssert.IsAnthropicErrorAsync(response, 400, "invalid_request_error"));
    }

    [Fact]
    public async Task An_unknown_model_is_not_found()
    {
        using HttpResponseMessage response = await shared.Gateway.SendAnthropicAsync("/v1/messages", TestGateway.Messages().Replace("tiny", "claude-9"));
        Assert.Contains("claude-9", await ErrorAssert.IsAnthropicErrorAsync(response, 404, "not_found_error"));
    }
}
