using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Bodies that must be refused: each with its code, the parameter at fault, and words that the message must have.</summary>
public class MalformedResponsesTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    [Theory]
    [InlineData("""{"model":"tiny"}""", "missing_required_parameter", "input", "input")]
    [InlineData("""{"input":"x"}""", "missing_required_parameter", "model", "model")]
    [InlineData("""{"model":"tiny","input":5}""", "invalid_type", "input", "a string or an array")]
    [InlineData("""{"model":"tiny","input":[]}""", "empty_array", "input", "1 or more")]
    [InlineData("""{"model":"tiny","input":[5]}""", "invalid_type", "input[0]", "an object")]
    [InlineData("""{"model":"tiny","input":[{}]}""", "missing_required_parameter", "input[0].role", "role")]
    [InlineData("""{"model":"tiny","input":[{"type":5}]}""", "invalid_type", "input[0].type", "a string")]
    [InlineData("""{"model":"tiny","input":[{"role":"tool","content":"x"}]}""", "invalid_value", "input[0].role", "Supported values")]
    [InlineData("""{"model":"tiny","input":[{"role":"user"}]}""", "missing_required_parameter", "input[0].content", "content")]
    [InlineData("""{"model":"tiny","input":[{"role":"user","content":[]}]}""", "empty_array", "input[0].content", "1 or more")]
    [InlineData("""{"model":"tiny","input":[{"role":"user","content":[{"type":"output_text","text":"x"}]}]}""", "invalid_value", "input[0].content[0].type", "'input_text'")]
    [InlineData("""{"model":"tiny","input":[{"role":"assistant","content":[{"type":"input_text","text":"x"}]}]}""", "invalid_value", "input[0].content[0].type", "'output_text', 'refusal'")]
    [InlineData("""{"model":"tiny","input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "unsupported_value", "input[0].content[0].type", "text only")]
    [InlineData("""{"model":"tiny","input":[{"role":"user","content":[{"type":"input_text"}]}]}""", "missing_required_parameter", "input[0].content[0].text", "text")]
    [InlineData("""{"model":"tiny","input":[{"type":"web_search_call","id":"ws_1"}]}""", "unsupported_value", "input[0].type", "web_search_call")]
    [InlineData("""{"model":"tiny","input":[{"type":"reasoning","id":"rs_1"}]}""", "invalid_value", "input", "no message")]
    [InlineData("""{"model":"tiny","input":[{"type":"function_call","name":"f","arguments":"{}"}]}""", "missing_required_parameter", "input[0].call_id", "call_id")]
    [InlineData("""{"model":"tiny","input":[{"type":"function_call","call_id":"c","name":"f f","arguments":"{}"}]}""", "invalid_value", "input[0].name", "letters")]
    [InlineData("""{"model":"tiny","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}""", "invalid_value", "input[0].call_id", "'c'")]
    [InlineData("""{"model":"tiny","input":[{"type":"item_reference","id":"msg_x_0"}]}""", "item_not_found", "input[0].id", "msg_x_0")]
    [InlineData("""{"model":"tiny","input":[{"id":"nonsense"}]}""", "item_not_found", "input[0].id", "nonsense")]
    [InlineData("""BASE,"previous_response_id":"resp_none"}""", "previous_response_not_found", "previous_response_id", "resp_none")]
    [InlineData("""BASE,"max_output_tokens":0}""", "integer_below_min_value", "max_output_tokens", ">= 1")]
    [InlineData("""BASE,"temperature":3}""", "decimal_above_max_value", "temperature", "<= 2")]
    [InlineData("""BASE,"top_logprobs":21}""", "integer_above_max_value", "top_logprobs", "<= 20")]
    [InlineData("""BASE,"include":["file_search_call.results"]}""", "unsupported_value", "include[0]", "file_search_call.results")]
    [InlineData("""BASE,"include":["nonsense"]}""", "invalid_value", "include[0]", "Supported values")]
    [InlineData("""BASE,"include":[null]}""", "invalid_value", "include[0]", "null")]
    [InlineData("""BASE,"text":{"format":{}}}""", "missing_required_parameter", "text.format.type", "text.format.type")]
    [InlineData("""BASE,"text":{"format":{"type":"xml"}}}""", "invalid_value", "text.format.type", "json_schema")]
    [InlineData("""BASE,"text":{"format":{"type":"json_schema"}}}""", "missing_required_parameter", "text.format.name", "name")]
    [InlineData("""BASE,"text":{"format":{"type":"json_schema","name":"n","schema":5}}}""", "invalid_type", "text.format.schema", "a JSON schema")]
    [InlineData("""BASE,"text":{"format":{"type":"json_object"}},"structured_outputs":{"regex":"a"}}""", "invalid_value", "structured_outputs", "text.format")]
    [InlineData("""BASE,"text":{"verbosity":"low"}}""", "unsupported_value", "text.verbosity", "medium")]
    [InlineData("""BASE,"tools":[{"type":"web_search"}]}""", "unsupported_value", "tools[0].type", "web_search")]
    [InlineData("""BASE,"tools":[{"type":"file_search","vector_store_ids":[]}]}""", "unsupported_value", "tools[0].type", "file_search")]
    [InlineData("""BASE,"tools":[{"type":"code_interpreter"}]}""", "unsupported_value", "tools[0].type", "code_interpreter")]
    [InlineData("""BASE,"tools":[{"type":"mcp"}]}""", "unsupported_value", "tools[0].type", "mcp")]
    [InlineData("""BASE,"tools":[{"type":"function"}]}""", "missing_required_parameter", "tools[0].name", "name")]
    [InlineData("""BASE,"tools":[FUNCTION,FUNCTION]}""", "invalid_value", "tools[1].name", "another tool")]
    [InlineData("""BASE,"tool_choice":"required"}""", "invalid_value", "tool_choice", "tools")]
    [InlineData("""BASE,"tools":[FUNCTION],"tool_choice":{"type":"function","name":"g"}}""", "invalid_value", "tool_choice.name", "none of 'tools'")]
    [InlineData("""BASE,"tools":[FUNCTION],"tool_choice":{"type":"web_search"}}""", "unsupported_value", "tool_choice.type", "web_search")]
    [InlineData("""BASE,"tools":[FUNCTION],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}}""", "empty_array", "tool_choice.tools", "1 or more")]
    [InlineData("""BASE,"tools":[FUNCTION],"tool_choice":{"type":"allowed_tools","mode":"x","tools":[FUNCTION]}}""", "invalid_value", "tool_choice.mode", "required")]
    [InlineData("""BASE,"reasoning":{"effort":"huge"}}""", "invalid_value", "reasoning.effort", "Supported values")]
    [InlineData("""BASE,"reasoning":{"summary":"long"}}""", "invalid_value", "reasoning.summary", "Supported values")]
    [InlineData("""BASE,"thinking_token_budget":0}""", "integer_below_min_value", "thinking_token_budget", ">= 1")]
    [InlineData("""BASE,"truncation":"middle"}""", "invalid_value", "truncation", "disabled")]
    [InlineData("""BASE,"background":true,"store":false}""", "invalid_value", "background", "'store'")]
    [InlineData("""BASE,"conversation":"conv_1"}""", "unsupported_parameter", "conversation", "previous_response_id")]
    [InlineData("""BASE,"prompt":{"id":"pmpt_1"}}""", "unsupported_parameter", "prompt", "templates")]
    [InlineData("""BASE,"service_tier":"flex"}""", "unsupported_value", "service_tier", "flex")]
    [InlineData("""BASE,"metadata":{"a":5}}""", "invalid_type", "metadata.a", "a string")]
    [InlineData("""BASE,"stream_options":{}}""", "invalid_value", "stream_options", "stream")]
    [InlineData("""BASE,"messages":[]}""", "unsupported_parameter", "messages", "'input'")]
    [InlineData("""BASE,"max_tokens":5}""", "unsupported_parameter", "max_tokens", "'max_output_tokens'")]
    [InlineData("""BASE,"response_format":{"type":"text"}}""", "unsupported_parameter", "response_format", "'text.format'")]
    [InlineData("""BASE,"n":2}""", "unsupported_parameter", "n", "one answer")]
    public async Task A_malformed_request_is_refused_by_name(string body, string code, string? param, string words)
    {
        body = body.Replace("BASE", """{"model":"tiny","input":"x" """, StringComparison.Ordinal)
            .Replace("FUNCTION", """{"type":"function","name":"f"}""", StringComparison.Ordinal);
        using HttpResponseMessage response = await shared.Gateway.PostAsync("/v1/responses", body);
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, code);
        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Contains(words, error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task An_unknown_field_is_passed_over_and_named()
    {
        using HttpResponseMessage response = await shared.Gateway.PostAsync(
            "/v1/responses", TestGateway.Respond(""","foo":1,"reasoning":{"context":"auto"},"text":{"x":1}""", """[{"role":"user","phase":null,"content":[{"type":"input_text","text":"x","y":1}]}]"""));
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal("foo, text.x, reasoning.context", Assert.Single(response.Headers.GetValues("formation-ignored-fields")));
    }
}
