using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Errors;

/// <summary>
/// Bodies that must be refused: each with its status, its code, the parameter at fault, and words that the message must have.
/// </summary>
public class MalformedRequestTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    const string Long = "LONG";

    [Theory]

    // Syntax.
    [InlineData("", "invalid_json", null, "line 1")]
    [InlineData("{", "invalid_json", null, "line 1")]
    [InlineData("null", "invalid_type", null, "`null`")]
    [InlineData("[]", "invalid_type", null, "an object, but got an array")]
    [InlineData("\"text\"", "invalid_type", null, "an object, but got a string")]
    [InlineData("17", "invalid_type", null, "an object, but got an integer")]
    [InlineData("""{"model":"tiny",}""", "invalid_json", null, "byte 17")]
    [InlineData("""{"model":"tiny"}{}""", "invalid_json", null, "text after the end")]
    [InlineData("""{"model":"tiny"} x""", "invalid_json", null, "text after the end")]
    [InlineData("{\"model\":\"ti\nny\"}", "invalid_json", null, "line 1")]
    [InlineData("""{'model':'tiny'}""", "invalid_json", null, "quote")]
    [InlineData("""{"model":"tiny"/* note */}""", "invalid_json", null, "byte 16")]
    [InlineData("""{"model":"tiny","seed":01}""", "invalid_json", null, "byte 25")]
    [InlineData("""{"model":"tiny","temperature":NaN}""", "invalid_json", null, "byte 31")]
    [InlineData("\uFEFF{\"model\":\"tiny\"}", "invalid_json", null, "byte 1")]
    [InlineData("""{"model":"tiny","model":"tiny"}""", "duplicate_parameter", "model", "more than once")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","role":"user","content":"x"}]}""", "duplicate_parameter", "messages[0].role", "more than once")]
    [InlineData("""{"model":"tiny","logit_bias":{"1":1,"1":2},"messages":[]}""", "duplicate_parameter", "logit_bias.1", "more than once")]

    // Names.
    [InlineData("""BASE,"stream":true,"stream_options":{"usage":true}}""", "unknown_parameter", "stream_options.usage", "stream_options.usage")]

    // The model.
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", "missing_required_parameter", "model", "'model'")]
    [InlineData("""{"model":"","messages":[{"role":"user","content":"x"}]}""", "missing_required_parameter", "model", "'model'")]
    [InlineData("""{"model":5,"messages":[{"role":"user","content":"x"}]}""", "invalid_type", "model", "a string, but got an integer")]
    [InlineData("""{"model":"LONG","messages":[{"role":"user","content":"x"}]}""", "string_above_max_length", "model", "256")]

    // Messages.
    [InlineData("""{"model":"tiny"}""", "missing_required_parameter", "messages", "'messages'")]
    [InlineData("""{"model":"tiny","messages":null}""", "missing_required_parameter", "messages", "'messages'")]
    [InlineData("""{"model":"tiny","messages":[]}""", "empty_array", "messages", "1 or more")]
    [InlineData("""{"model":"tiny","messages":{}}""", "invalid_type", "messages", "an array, but got an object")]
    [InlineData("""{"model":"tiny","messages":["x"]}""", "invalid_type", "messages[0]", "an object, but got a string")]
    [InlineData("""{"model":"tiny","messages":[null]}""", "invalid_type", "messages[0]", "an object, but got null")]
    [InlineData("""{"model":"tiny","messages":[{"content":"x"}]}""", "missing_required_parameter", "messages[0].role", "'messages[0].role'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"robot","content":"x"}]}""", "invalid_value", "messages[0].role", "'robot'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user"}]}""", "missing_required_parameter", "messages[0].content", "content")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":null}]}""", "missing_required_parameter", "messages[0].content", "content")]
    [InlineData("""{"model":"tiny","messages":[{"role":"assistant","content":null}]}""", "missing_required_parameter", "messages[0].content", "content")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":7}]}""", "invalid_type", "messages[0].content", "an integer")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[]}]}""", "empty_array", "messages[0].content", "1 or more")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":["x"]}]}""", "invalid_type", "messages[0].content[0]", "an object")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[{"text":"x"}]}]}""", "missing_required_parameter", "messages[0].content[0].type", "type")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[{"type":"text"}]}]}""", "missing_required_parameter", "messages[0].content[0].text", "text")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "unsupported_value", "messages[0].content[0].type", "image_url")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""", "unsupported_value", "messages[0].content[0].type", "input_audio")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":[{"type":"refusal","refusal":"x"}]}]}""", "invalid_value", "messages[0].content[0].type", "refusal")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"\ud800"}]}""", "invalid_type", "messages[0].content", "surrogate")]
    [InlineData("""{"model":"tiny","messages":[{"role":"tool","content":"x"}]}""", "missing_required_parameter", "messages[0].tool_call_id", "tool_call_id")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"x","tool_call_id":"c"}]}""", "unsupported_parameter", "messages[0].tool_call_id", "'user'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"x","tool_calls":[]}]}""", "unsupported_parameter", "messages[0].tool_calls", "'user'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"assistant","tool_calls":[]}]}""", "empty_array", "messages[0].tool_calls", "1 or more")]
    [InlineData("""{"model":"tiny","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function"}]}]}""", "missing_required_parameter", "messages[0].tool_calls[0].function", "function")]
    [InlineData("""{"model":"tiny","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"magic","function":{}}]}]}""", "invalid_value", "messages[0].tool_calls[0].type", "'magic'")]
    [InlineData("""{"model":"tiny","messages":[{"role":"assistant","content":"x","audio":{"id":"a"}}]}""", "unsupported_parameter", "messages[0].audio", "text only")]
    [InlineData("""{"model":"tiny","messages":[{"role":"function","content":"x"}]}""", "missing_required_parameter", "messages[0].name", "name")]

    // Numbers.
    [InlineData("""BASE,"temperature":2.5}""", "decimal_above_max_value", "temperature", "2.5")]
    [InlineData("""BASE,"temperature":-0.1}""", "decimal_below_min_value", "temperature", "-0.1")]
    [InlineData("""BASE,"temperature":1e400}""", "decimal_above_max_value", "temperature", "<= 2")]
    [InlineData("""BASE,"temperature":"1"}""", "invalid_type", "temperature", "a decimal, but got a string")]
    [InlineData("""BASE,"top_p":1.01}""", "decimal_above_max_value", "top_p", "1.01")]
    [InlineData("""BASE,"n":0}""", "integer_below_min_value", "n", "got 0")]
    [InlineData("""BASE,"n":1000000000}""", "integer_above_max_value", "n", "128")]
    [InlineData("""BASE,"n":1.5}""", "invalid_type", "n", "an integer, but got a decimal")]
    [InlineData("""BASE,"n":true}""", "invalid_type", "n", "an integer, but got a boolean")]
    [InlineData("""BASE,"max_tokens":-1}""", "integer_below_min_value", "max_tokens", "-1")]
    [InlineData("""BASE,"max_tokens":0}""", "integer_below_min_value", "max_tokens", ">= 1")]
    [InlineData("""BASE,"max_completion_tokens":9223372036854775807}""", "integer_above_max_value", "max_completion_tokens", "2147483647")]
    [InlineData("""BASE,"max_tokens":9223372036854775808}""", "invalid_type", "max_tokens", "beyond 64 bits")]
    [InlineData("""BASE,"max_tokens":5,"max_completion_tokens":6}""", "invalid_value", "max_tokens", "one of them")]
    [InlineData("""BASE,"seed":1.5}""", "invalid_type", "seed", "a decimal")]
    [InlineData("""BASE,"seed":"42"}""", "invalid_type", "seed", "a string")]
    [InlineData("""BASE,"presence_penalty":3}""", "decimal_above_max_value", "presence_penalty", "got 3")]
    [InlineData("""BASE,"frequency_penalty":-3}""", "decimal_below_min_value", "frequency_penalty", "-3")]
    [InlineData("""BASE,"top_k":-2}""", "integer_below_min_value", "top_k", "-2")]
    [InlineData("""BASE,"min_p":1.5}""", "decimal_above_max_value", "min_p", "1.5")]
    [InlineData("""BASE,"typical_p":0}""", "decimal_below_min_value", "typical_p", "> 0")]
    [InlineData("""BASE,"repetition_penalty":0}""", "decimal_below_min_value", "repetition_penalty", "> 0")]
    [InlineData("""BASE,"min_tokens":6,"max_tokens":5}""", "invalid_value", "min_tokens", "'max_tokens'")]
    [InlineData("""BASE,"logprobs":5}""", "invalid_type", "logprobs", "a boolean, but got an integer")]
    [InlineData("""BASE,"logprobs":true,"top_logprobs":1000000}""", "integer_above_max_value", "top_logprobs", "20")]
    [InlineData("""BASE,"top_logprobs":2}""", "invalid_value", "top_logprobs", "'logprobs' is true")]

    // Stops, biases, options.
    [InlineData("""BASE,"stop":5}""", "invalid_type", "stop", "a string or an array of strings")]
    [InlineData("""BASE,"stop":""}""", "invalid_value", "stop", "at least one character")]
    [InlineData("""BASE,"stop":["a",null]}""", "invalid_type", "stop[1]", "null")]
    [InlineData("""BASE,"stop":["a","LONG"]}""", "string_above_max_length", "stop[1]", "1024")]
    [InlineData("""BASE,"stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]}""", "array_above_max_length", "stop", "16")]
    [InlineData("""BASE,"stop_token_ids":[-5]}""", "integer_below_min_value", "stop_token_ids[0]", "-5")]
    [InlineData("""BASE,"stop_token_ids":["a"]}""", "invalid_type", "stop_token_ids[0]", "an integer, but got a string")]
    [InlineData("""BASE,"logit_bias":[1]}""", "invalid_type", "logit_bias", "an object")]
    [InlineData("""BASE,"logit_bias":{"a":1}}""", "invalid_value", "logit_bias", "'a'")]
    [InlineData("""BASE,"logit_bias":{"-1":1}}""", "invalid_value", "logit_bias", "'-1'")]
    [InlineData("""BASE,"logit_bias":{"5":101}}""", "decimal_above_max_value", "logit_bias.5", "101")]
    [InlineData("""BASE,"logit_bias":{"5":"1"}}""", "invalid_type", "logit_bias.5", "a string")]
    [InlineData("""BASE,"logit_bias":{"5":1,"05":2}}""", "invalid_value", "logit_bias", "more than once")]
    [InlineData("""BASE,"stream":"yes"}""", "invalid_type", "stream", "a boolean, but got a string")]
    [InlineData("""BASE,"stream_options":{"include_usage":true}}""", "invalid_value", "stream_options", "'stream' is true")]
    [InlineData("""BASE,"stream":true,"stream_options":[]}""", "invalid_type", "stream_options", "an object, but got an array")]
    [InlineData("""BASE,"stream":true,"stream_options":{"include_obfuscation":true}}""", "unsupported_value", "stream_options.include_obfuscation", "padded")]
    [InlineData("""BASE,"chat_template_kwargs":[]}""", "invalid_type", "chat_template_kwargs", "an object, but got an array")]
    [InlineData("""BASE,"metadata":{"a":5}}""", "invalid_type", "metadata.a", "a string")]
    [InlineData("""BASE,"user":"LONG"}""", "string_above_max_length", "user", "512")]
    [InlineData("""BASE,"reasoning_effort":"heroic"}""", "invalid_value", "reasoning_effort", "'heroic'")]
    [InlineData("""BASE,"service_tier":"gold"}""", "invalid_value", "service_tier", "'gold'")]
    [InlineData("""BASE,"response_format":"text"}""", "invalid_type", "response_format", "an object")]
    [InlineData("""BASE,"response_format":{}}""", "missing_required_parameter", "response_format.type", "type")]
    [InlineData("""BASE,"response_format":{"type":5}}""", "invalid_type", "response_format.type", "a string")]
    [InlineData("""BASE,"response_format":{"type":"xml"}}""", "invalid_value", "response_format.type", "'xml'")]
    [InlineData("""BASE,"response_format":{"type":"json_object","schema":{}}}""", "unknown_parameter", "response_format.schema", "schema")]
    [InlineData("""BASE,"response_format":{"type":"json_schema"}}""", "missing_required_parameter", "response_format.json_schema", "json_schema")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":[]}}""", "invalid_type", "response_format.json_schema", "an object")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{}}}""", "missing_required_parameter", "response_format.json_schema.name", "name")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{"name":"a b"}}}""", "invalid_value", "response_format.json_schema.name", "letters")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{"name":"LONG"}}}""", "string_above_max_length", "response_format.json_schema.name", "64")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":"yes"}}}""", "invalid_type", "response_format.json_schema.strict", "a boolean")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":"s"}}}""", "invalid_type", "response_format.json_schema.schema", "a JSON schema")]
    [InlineData("""BASE,"response_format":{"type":"json_schema","json_schema":{"name":"a","what":1}}}""", "unknown_parameter", "response_format.json_schema.what", "what")]
    [InlineData("""BASE,"structured_outputs":{}}""", "invalid_value", "structured_outputs", "exactly one")]
    [InlineData("""BASE,"structured_outputs":{"regex":"a","json":{}}}""", "invalid_value", "structured_outputs", "exactly one")]
    [InlineData("""BASE,"structured_outputs":{"xml":1}}""", "unknown_parameter", "structured_outputs.xml", "xml")]
    [InlineData("""BASE,"structured_outputs":{"choice":[]}}""", "empty_array", "structured_outputs.choice", "1 or more")]
    [InlineData("""BASE,"structured_outputs":{"choice":["a",null]}}""", "invalid_value", "structured_outputs.choice", "null")]
    [InlineData("""BASE,"structured_outputs":{"json":"s"}}""", "invalid_type", "structured_outputs.json", "a JSON schema")]
    [InlineData("""BASE,"structured_outputs":{"regex":"a"},"response_format":{"type":"json_object"}}""", "invalid_value", "structured_outputs", "one of them")]
    [InlineData("""BASE,"tools":{}}""", "invalid_type", "tools", "an array")]
    [InlineData("""BASE,"tools":[]}""", "empty_array", "tools", "1 or more")]
    [InlineData("""BASE,"tools":[5]}""", "invalid_type", "tools[0]", "an object")]
    [InlineData("""BASE,"tools":[{}]}""", "missing_required_parameter", "tools[0].type", "type")]
    [InlineData("""BASE,"tools":[{"type":"function"}]}""", "missing_required_parameter", "tools[0].function", "function")]
    [InlineData("""BASE,"tools":[{"type":"function","function":[]}]}""", "invalid_type", "tools[0].function", "an object")]
    [InlineData("""BASE,"tools":[{"type":"function","function":{}}]}""", "missing_required_parameter", "tools[0].function.name", "name")]
    [InlineData("""BASE,"tools":[{"type":"function","function":{"name":"a b"}}]}""", "invalid_value", "tools[0].function.name", "letters")]
    [InlineData("""BASE,"tools":[{"type":"function","function":{"name":"LONG"}}]}""", "string_above_max_length", "tools[0].function.name", "64")]
    [InlineData("""BASE,"tools":[TOOL,TOOL]}""", "invalid_value", "tools[1].function.name", "another")]
    [InlineData("""BASE,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]}""", "invalid_type", "tools[0].function.parameters", "an object")]
    [InlineData("""BASE,"tools":[{"type":"function","function":{"name":"f","description":5}}]}""", "invalid_type", "tools[0].function.description", "a string")]
    [InlineData("""BASE,"tool_choice":"auto"}""", "invalid_value", "tool_choice", "'tools'")]
    [InlineData("""BASE,"tools":[TOOL],"tool_choice":"maybe"}""", "invalid_value", "tool_choice", "'maybe'")]
    [InlineData("""BASE,"tools":[TOOL],"tool_choice":5}""", "invalid_type", "tool_choice", "a string or an object")]
    [InlineData("""BASE,"tools":[TOOL],"tool_choice":{"type":"function","function":{"name":"g"}}}""", "invalid_value", "tool_choice.function.name", "none of")]
    [InlineData("""BASE,"tools":[TOOL],"tool_choice":{"type":"allowed_tools"}}""", "unsupported_value", "tool_choice.type", "'allowed_tools'")]
    [InlineData("""BASE,"parallel_tool_calls":true}""", "invalid_value", "parallel_tool_calls", "'tools'")]

    // What OpenAI has and this server has not.
    [InlineData("""BASE,"service_tier":"flex"}""", "unsupported_value", "service_tier", "'flex'")]
    [InlineData("""BASE,"verbosity":"high"}""", "unsupported_value", "verbosity", "medium")]
    [InlineData("""BASE,"functions":[]}""", "unsupported_parameter", "functions", "'tools'")]
    [InlineData("""BASE,"function_call":"none"}""", "unsupported_parameter", "function_call", "'tool_choice'")]
    [InlineData("""BASE,"tools":[{"type":"custom","custom":{"name":"f"}}]}""", "unsupported_value", "tools[0].type", "'custom'")]
    [InlineData("""BASE,"modalities":["text","audio"]}""", "unsupported_value", "modalities", "text only")]
    [InlineData("""BASE,"audio":{"voice":"alloy","format":"mp3"}}""", "unsupported_parameter", "audio", "text only")]
    [InlineData("""BASE,"prediction":"x"}""", "invalid_type", "prediction", "an object")]
    [InlineData("""BASE,"prediction":{"type":"guess","content":"x"}}""", "invalid_value", "prediction.type", "'content'")]
    [InlineData("""BASE,"prediction":{"type":"content","content":5}}""", "invalid_type", "prediction.content", "a string")]
    [InlineData("""BASE,"web_search_options":{}}""", "unsupported_parameter", "web_search_options", "web")]
    [InlineData("""BASE,"moderation":{}}""", "unsupported_parameter", "moderation", "moderate")]
    [InlineData("""BASE,"prompt_cache_options":{}}""", "unsupported_parameter", "prompt_cache_options", "automatically")]
    [InlineData("""BASE,"prompt_cache_retention":"24h"}""", "unsupported_value", "prompt_cache_retention", "leave it out")]
    public Task A_chat_body_is_refused(string body, string code, string? param, string words) =>
        IsRefused("/v1/chat/completions", body.Replace("BASE", """{"model":"tiny","messages":[{"role":"user","content":"x"}]""").Replace("TOOL", """{"type":"function","function":{"name":"f"}}"""), code, param, words);

    [Theory]
    [InlineData("""{"model":"tiny"}""", "missing_required_parameter", "prompt", "'prompt'")]
    [InlineData("""{"model":"tiny","prompt":null}""", "missing_required_parameter", "prompt", "'prompt'")]
    [InlineData("""{"model":"tiny","prompt":{}}""", "invalid_type", "prompt", "a string, an array of strings")]
    [InlineData("""{"model":"tiny","prompt":[]}""", "empty_array", "prompt", "1 or more")]
    [InlineData("""{"model":"tiny","prompt":[[]]}""", "empty_array", "prompt[0]", "1 or more")]
    [InlineData("""{"model":"tiny","prompt":[true]}""", "invalid_type", "prompt", "an array")]
    [InlineData("""{"model":"tiny","prompt":["a",5]}""", "invalid_type", "prompt[1]", "a string")]
    [InlineData("""{"model":"tiny","prompt":[5,"a"]}""", "invalid_type", "prompt[1]", "a token id")]
    [InlineData("""{"model":"tiny","prompt":[5,-6]}""", "invalid_value", "prompt[1]", "-6")]
    [InlineData("""{"model":"tiny","prompt":[5,1.5]}""", "invalid_type", "prompt[1]", "a decimal")]
    [InlineData("""{"model":"tiny","prompt":[5,4294967296]}""", "invalid_value", "prompt[1]", "4294967296")]
    [InlineData("""{"model":"tiny","prompt":[[5],6]}""", "invalid_type", "prompt[1]", "an array of token ids")]
    [InlineData("""{"model":"tiny","prompt":"\udc00"}""", "invalid_type", "prompt", "surrogate")]
    [InlineData("""BASE,"suffix":["x"]}""", "invalid_type", "suffix", "a string")]
    [InlineData("""BASE,"suffix":"x","echo":true}""", "invalid_value", "echo", "suffix")]
    [InlineData("""BASE,"max_tokens":0}""", "integer_below_min_value", "max_tokens", ">= 1")]
    [InlineData("""BASE,"logprobs":6}""", "integer_above_max_value", "logprobs", "5")]
    [InlineData("""BASE,"logprobs":true}""", "invalid_type", "logprobs", "an integer, but got a boolean")]
    [InlineData("""BASE,"echo":1}""", "invalid_type", "echo", "a boolean, but got an integer")]
    [InlineData("""BASE,"n":3,"best_of":2}""", "invalid_value", "best_of", "'n', which is 3")]
    [InlineData("""BASE,"best_of":129}""", "integer_above_max_value", "best_of", "128")]
    [InlineData("""BASE,"best_of":2,"stream":true}""", "invalid_value", "best_of", "'stream'")]
    [InlineData("""{"model":"tiny","prompt":["1","2","3","4","5","6","7","8","9"],"n":128}""", "invalid_value", "n", "1024")]
    public Task A_completion_body_is_refused(string body, string code, string? param, string words) =>
        IsRefused("/v1/completions", body.Replace("BASE", """{"model":"tiny","prompt":"x" """), code, param, words);

    [Fact]
    public Task Messages_beyond_the_limit_are_refused() => IsRefused(
        "/v1/chat/completions",
        """{"model":"tiny","messages":[""" + string.Join(',', Enumerable.Repeat("""{"role":"user","content":"x"}""", 20_000)) + "]}",
        "array_above_max_length", "messages", "2048");

    [Fact]
    public Task Nesting_beyond_the_limit_is_refused() => IsRefused(
        "/v1/chat/completions",
        """{"model":"tiny","metadata":""" + new string('[', 10_000) + new string(']', 10_000) + "}",
        "invalid_json", null, "64");

    [Fact]
    public Task More_biases_than_the_limit_are_refused() => IsRefused(
        "/v1/chat/completions",
        """{"model":"tiny","messages":[{"role":"user","content":"x"}],"logit_bias":{""" + Names(1025) + "}}",
        "invalid_value", "logit_bias", "1024");

    [Theory]
    [InlineData("""{"model":"tiny","logit_bias":{""", "}}")]
    [InlineData("{", "}")]
    public Task A_body_of_nothing_but_names_is_refused_before_it_takes_memory(string before, string after) =>
        IsRefused("/v1/chat/completions", before + Names(500_000) + after, "too_many_values", null, "65536");

    [Fact]
    public Task A_body_of_nothing_but_objects_is_refused_before_it_takes_memory() => IsRefused(
        "/v1/chat/completions",
        """{"model":"tiny","messages":[{}""" + string.Concat(Enumerable.Repeat(",{}", 1_000_000)) + "]}",
        "too_many_values", null, "65536");

    static string Names(int count) => string.Join(',', Enumerable.Range(0, count).Select(i => $"\"{i}\":1"));

    [Fact]
    public async Task An_unknown_model_is_not_found()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(
            "/v1/chat/completions", """{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}""");
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 404, "model_not_found");
        Assert.Contains("gpt-9", error.GetProperty("message").GetString());
        Assert.Equal(JsonValueKind.Null, error.GetProperty("param").ValueKind);
    }

    async Task IsRefused(string path, string body, string code, string? param, string words)
    {
        TestGateway gateway = shared.Gateway;
        using HttpResponseMessage response = await gateway.PostAsync(path, body.Replace(Long, new string('x', 2000)));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, code);
        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Contains(words, error.GetProperty("message").GetString());
        Assert.True(error.GetProperty("message").GetString()!.Length < 500);
        Assert.Empty(gateway.Backend.Requests);
    }
}
