using System.Text.Json;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Holds the table of fields in <c>docs/api/responses.md</c> against what the server does with each.</summary>
public class DocumentedResponseFieldTests
{
    const string Function = """[{"type":"function","name":"f"}]""";

    /// <summary>A value of each field that its row is about.</summary>
    static readonly Dictionary<string, string> Samples = new()
    {
        ["model"] = "\"acme/big-1\"",
        ["input"] = "\"Ho\"",
        ["instructions"] = "\"Be brief.\"",
        ["previous_response_id"] = "\"PREVIOUS\"",
        ["max_output_tokens"] = "7",
        ["temperature"] = "0.5",
        ["top_p"] = "0.5",
        ["include"] = """["message.output_text.logprobs"]""",
        ["top_logprobs"] = "2",
        ["text.format"] = """{"type":"json_object"}""",
        ["text.verbosity"] = "\"medium\"",
        ["tools"] = Function,
        ["tool_choice"] = "\"required\"",
        ["parallel_tool_calls"] = "false",
        ["max_tool_calls"] = "3",
        ["reasoning.effort"] = "\"low\"",
        ["reasoning.summary"] = "\"auto\"",
        ["reasoning.generate_summary"] = "\"auto\"",
        ["store"] = "false",
        ["metadata"] = """{"a":"b"}""",
        ["stream"] = "true",
        ["stream_options"] = """{"include_obfuscation":false}""",
        ["truncation"] = "\"auto\"",
        ["background"] = "true",
        ["service_tier"] = "\"auto\"",
        ["user"] = "\"u\"",
        ["safety_identifier"] = "\"s\"",
        ["prompt_cache_key"] = "\"k\"",
        ["prompt_cache_retention"] = "\"in_memory\"",
        ["conversation"] = "\"conv_1\"",
        ["prompt"] = """{"id":"pmpt_1"}""",
        ["context_management"] = "[]",
        ["moderation"] = """{"model":"m"}""",
        ["prompt_cache_options"] = "{}",
        ["messages"] = "[]",
        ["response_format"] = """{"type":"text"}""",
        ["max_tokens"] = "5",
        ["n"] = "2",
        ["stop"] = "\"END\"",
        ["seed"] = "5",
        ["logit_bias"] = """{"5":1}""",
        ["presence_penalty"] = "1",
        ["frequency_penalty"] = "1",
        ["formation"] = """{"region":"eu"}""",
        ["top_k"] = "5",
        ["min_p"] = "0.5",
        ["typical_p"] = "0.5",
        ["repetition_penalty"] = "2",
        ["stop_token_ids"] = "[5]",
        ["min_tokens"] = "2",
        ["ignore_eos"] = "true",
        ["structured_outputs"] = """{"regex":"a"}""",
        ["chat_template_kwargs"] = """{"a":1}""",
        ["thinking_token_budget"] = "20",
    };

    /// <summary>What has to be there besides for a field to mean anything.</summary>
    static readonly Dictionary<string, (string Name, string Value)> Companions = new()
    {
        ["tool_choice"] = ("tools", Function),
        ["parallel_tool_calls"] = ("tools", Function),
        ["stream_options"] = ("stream", "true"),
    };

    static readonly Dictionary<string, string> Usual = new() { ["model"] = "\"tiny\"", ["input"] = "\"Hi\"" };

    static (string Name, string Status)[] Rows() => DocumentedFields.Rows("responses.md", "Fields");

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        Assert.Equal(
            DocumentedFields.Known(OpenAIJsonContext.Requests.ResponsesRequest).Order(),
            Rows().Select(row => row.Name.Split('.')[0]).Distinct().Order());
        Assert.Equal(Samples.Keys.Order(), Rows().Select(row => row.Name).Order());
    }

    [Fact]
    public async Task What_the_table_says_of_a_field_is_what_the_server_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string previous = (await gateway.PostForJsonAsync("/v1/responses", TestGateway.Respond())).GetProperty("id").GetString()!;
        gateway.Backend.Requests.Clear();
        foreach ((string name, string status) in Rows())
        {
            (string Name, string Value)? companion = Companions.TryGetValue(name, out (string Name, string Value) found) ? found : null;
            string body = DocumentedFields.Body(Usual, companion, name, Samples[name].Replace("PREVIOUS", previous, StringComparison.Ordinal));
            if (status == "refused")
            {
                using HttpResponseMessage refused = await gateway.PostAsync("/v1/responses", body);
                JsonElement error = await ErrorAssert.IsErrorAsync(refused, 400, "unsupported_parameter");
                Assert.Equal(name, error.GetProperty("param").GetString());
            }
            else
                Assert.True((await AnswerAsync(gateway, body) == await AnswerAsync(gateway, DocumentedFields.Body(Usual, companion))) == (status == "ignored"), name);
        }
    }

    /// <summary>What the backend was asked, and what is made of the answer: both are the same where a field has no effect but to be repeated.</summary>
    static async Task<string> AnswerAsync(TestGateway gateway, string body)
    {
        using HttpResponseMessage response = await gateway.PostAsync("/v1/responses", body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        // One in the background is asked for later; one that may have to leave something out is counted first.
        await Eventually.TrueAsync(() => !gateway.Backend.Requests.IsEmpty);
        GenerationRequest[] all = [.. gateway.Backend.Requests];
        gateway.Backend.Requests.Clear();
        GenerationRequest asked = all[^1];
        var prompt = (ChatPrompt)asked.Prompt;
        string media = response.Content.Headers.ContentType!.MediaType!;
        bool isKept = text.Contains("\"store\":true", StringComparison.Ordinal);
        return string.Join('\n',
            media,
            isKept,
            isKept && media == "application/json" ? JsonElement.Parse(text).GetProperty("metadata").GetRawText() : "",
            text.Contains("\"truncation\":\"auto\"", StringComparison.Ordinal),
            text.Contains("\"background\":true", StringComparison.Ordinal),
            asked.ModelId,
            asked.Sampling with { LogitBias = null },
            JsonSerializer.Serialize(asked.Sampling.LogitBias),
            JsonSerializer.Serialize(asked.Stop),
            asked.Format,
            asked.ToolUse,
            asked.Logprobs,
            asked.Reasoning,
            prompt.Tools?.GetRawText(),
            string.Join(',', prompt.Messages.Select(message => $"{message.Role} {message.Content?.Value}")),
            JsonSerializer.Serialize(prompt.TemplateVariables),
            asked.Routing);
    }
}
