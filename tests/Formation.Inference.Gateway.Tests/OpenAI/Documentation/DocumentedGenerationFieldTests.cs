using System.Text.Json;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Documentation;

/// <summary>Holds the tables of the parameters of chat completions and completions in <c>docs/api/openai.md</c> against what the server does with each.</summary>
public class DocumentedGenerationFieldTests
{
    const string Chat = "/v1/chat/completions", Completions = "/v1/completions", Shared = "Parameters of both endpoints";
    const string Function = """[{"type":"function","function":{"name":"f"}}]""";

    static readonly Dictionary<string, string> UsualOfChat = new() { ["model"] = "\"tiny\"", ["messages"] = """[{"role":"user","content":"Hi"}]""" };

    static readonly Dictionary<string, string> UsualOfCompletions = new() { ["model"] = "\"tiny\"", ["prompt"] = "\"Hi\"" };

    /// <summary>A value of each field that its row is about.</summary>
    static readonly Dictionary<string, string> Samples = new()
    {
        ["model"] = "\"acme/big-1\"",
        ["temperature"] = "0.5",
        ["top_p"] = "0.5",
        ["n"] = "2",
        ["stop"] = "\"END\"",
        ["max_tokens"] = "7",
        ["seed"] = "5",
        ["logit_bias"] = """{"5":1}""",
        ["presence_penalty"] = "1",
        ["frequency_penalty"] = "1",
        ["stream"] = "true",
        ["stream_options.include_usage"] = "true",
        ["stream_options.include_obfuscation"] = "false",
        ["user"] = "\"u\"",
        ["top_k"] = "5",
        ["min_p"] = "0.5",
        ["typical_p"] = "0.5",
        ["repetition_penalty"] = "2",
        ["stop_token_ids"] = "[5]",
        ["min_tokens"] = "2",
        ["ignore_eos"] = "true",
        ["formation"] = """{"region":"eu"}""",
        ["structured_outputs"] = """{"regex":"a"}""",
    };

    static readonly Dictionary<string, string> SamplesOfChat = new(Samples)
    {
        ["messages"] = """[{"role":"user","content":"Ho"}]""",
        ["max_completion_tokens"] = "7",
        ["logprobs"] = "true",
        ["top_logprobs"] = "2",
        ["reasoning_effort"] = "\"low\"",
        ["chat_template_kwargs"] = """{"a":1}""",
        ["add_generation_prompt"] = "false",
        ["thinking_token_budget"] = "5",
        ["include_reasoning"] = "false",
        ["response_format"] = """{"type":"json_object"}""",
        ["tools"] = Function,
        ["tool_choice"] = "\"required\"",
        ["parallel_tool_calls"] = "false",
        ["modalities"] = """["text"]""",
        ["service_tier"] = "\"auto\"",
        ["verbosity"] = "\"medium\"",
        ["store"] = "true",
        ["metadata"] = """{"a":"b"}""",
        ["safety_identifier"] = "\"s\"",
        ["prompt_cache_key"] = "\"k\"",
        ["prediction"] = """{"type":"content","content":"x"}""",
        ["prompt_cache_retention"] = "\"in_memory\"",
        ["functions"] = """[{"name":"f"}]""",
        ["function_call"] = "\"auto\"",
        ["audio"] = """{"format":"wav","voice":"alloy"}""",
        ["web_search_options"] = "{}",
        ["moderation"] = """{"model":"m"}""",
        ["prompt_cache_options"] = "{}",
    };

    static readonly Dictionary<string, string> SamplesOfCompletions = new(Samples)
    {
        ["prompt"] = "\"Ho\"",
        ["echo"] = "true",
        ["logprobs"] = "2",
        ["best_of"] = "2",
        ["suffix"] = "\"end\"",
    };

    /// <summary>What has to be there besides for a field to mean anything.</summary>
    static readonly Dictionary<string, (string Name, string Value)> Companions = new()
    {
        ["stream_options.include_usage"] = ("stream", "true"),
        ["stream_options.include_obfuscation"] = ("stream", "true"),
        ["top_logprobs"] = ("logprobs", "true"),
        ["metadata"] = ("store", "true"),
        ["tool_choice"] = ("tools", Function),
        ["parallel_tool_calls"] = ("tools", Function),
    };

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        Check("Chat", SamplesOfChat, DocumentedFields.Known(OpenAIJsonContext.Requests.ChatCompletionRequest));
        Check("Completions", SamplesOfCompletions, DocumentedFields.Known(OpenAIJsonContext.Requests.CompletionRequest));

        static void Check(string section, Dictionary<string, string> samples, string[] known)
        {
            string[] rows = [.. DocumentedFields.Rows("openai.md", Shared, section).Select(row => row.Name)];
            Assert.Equal(known.Order(), rows.Select(name => name.Split('.')[0]).Distinct().Order());
            Assert.Equal(samples.Keys.Order(), rows.Order());
        }
    }

    [Fact]
    public Task What_the_tables_say_of_a_field_of_chat_is_what_the_server_does() => CheckAsync(Chat, "Chat", UsualOfChat, SamplesOfChat);

    [Fact]
    public Task What_the_tables_say_of_a_field_of_completions_is_what_the_server_does() =>
        CheckAsync(Completions, "Completions", UsualOfCompletions, SamplesOfCompletions);

    [Fact]
    public async Task Every_field_of_the_lists_of_kept_completions_is_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = (await gateway.PostForJsonAsync(Chat, TestGateway.Chat(""","store":true"""))).GetProperty("id").GetString()!;
        (string Name, string Status)[] rows = DocumentedFields.Rows("openai.md", "Kept completions");
        Assert.Equal(["limit", "order", "after", "model", "metadata[name]"], rows.Select(row => row.Name));
        Assert.All(rows, row => Assert.Equal("supported", row.Status));
        foreach (string name in (string[])["limit", "order", "after"])
            foreach (string path in (string[])[Chat, $"{Chat}/{id}/messages"])
            {
                using HttpResponseMessage refused = await gateway.Client.GetAsync($"{path}?{name}=x");
                string body = await refused.Content.ReadAsStringAsync();
                Assert.Equal(name, JsonElement.Parse(body).GetProperty("error").GetProperty("param").GetString());
            }

        foreach (string name in (string[])["model", "metadata[name]"])
            Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync($"{Chat}?{name}=x"));
        Assert.Contains(id, await gateway.Client.GetStringAsync(Chat));
    }

    static async Task CheckAsync(string path, string section, Dictionary<string, string> usual, Dictionary<string, string> samples)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThoughtAndWords("Hello", " world");
        foreach ((string name, string status) in DocumentedFields.Rows("openai.md", Shared, section))
        {
            (string Name, string Value)? besides = Companions.TryGetValue(name, out (string Name, string Value) found) ? found : null;
            string body = DocumentedFields.Body(usual, besides, name, samples[name]);
            if (status == "refused")
            {
                using HttpResponseMessage refused = await gateway.PostAsync(path, body);
                JsonElement error = await ErrorAssert.IsErrorAsync(refused, 400, "unsupported_parameter");
                Assert.Equal(name, error.GetProperty("param").GetString());
                continue;
            }

            string without = await DocumentedFields.AnswerAsync(gateway, path, DocumentedFields.Body(usual, besides));
            Assert.True((await DocumentedFields.AnswerAsync(gateway, path, body) == without) == (status == "ignored"), name);
        }
    }
}
