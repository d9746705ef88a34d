using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Documentation;

/// <summary>Holds the table of fields in <c>docs/api/anthropic.md</c> against what the server does with each.</summary>
public partial class DocumentedFieldTests
{
    /// <summary>A value of each field that its row is about.</summary>
    static readonly Dictionary<string, string> Samples = new()
    {
        ["model"] = "\"acme/big-1\"",
        ["messages"] = """[{"role":"user","content":"Ho"}]""",
        ["system"] = "\"Be brief.\"",
        ["max_tokens"] = "7",
        ["stop_sequences"] = """["END"]""",
        ["stream"] = "true",
        ["temperature"] = "0.5",
        ["top_p"] = "0.5",
        ["top_k"] = "5",
        ["thinking"] = """{"type":"adaptive"}""",
        ["output_config.effort"] = "\"low\"",
        ["cache_control"] = """{"type":"ephemeral"}""",
        ["metadata"] = """{"user_id":"u"}""",
        ["service_tier"] = "\"auto\"",
        ["speed"] = "\"standard\"",
        ["tool_choice"] = """{"type":"any"}""",
        ["tools"] = """[{"name":"f","input_schema":{"type":"object"}}]""",
        ["output_config.format"] = """{"type":"json_schema","schema":{"type":"object"}}""",
        ["formation"] = """{"region":"eu"}""",
        ["container"] = "\"c\"",
        ["diagnostics"] = """{"previous_message_id":null}""",
        ["inference_geo"] = "\"eu\"",
    };

    /// <summary>Fields that mean something only beside another one.</summary>
    static readonly Dictionary<string, string> Companions = new() { ["tool_choice"] = "tools" };

    [GeneratedRegex(@"^\| `(?<name>[a-z_.]+)`(?<star>\*?) \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    static IEnumerable<(string Name, bool MakesPrompt, string Status)> Rows() => Row()
        .Matches(ApiDocument.Read("anthropic.md"))
        .Select(row => (row.Groups["name"].Value, row.Groups["star"].Length > 0, row.Groups["status"].Value));

    static string[] Fields(JsonTypeInfo type) => [.. type.Properties.Where(property => !property.IsExtensionData).Select(property => property.Name)];

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        Assert.Equal(
            Fields(AnthropicJsonContext.Requests.MessagesRequest).Order(),
            Rows().Select(row => row.Name.Split('.')[0]).Distinct().Order());
        Assert.Equal(
            Fields(AnthropicJsonContext.Requests.CountTokensRequest).Order(),
            Rows().Where(row => row.MakesPrompt).Select(row => row.Name.Split('.')[0]).Distinct().Order());
        Assert.Equal(Samples.Keys.Order(), Rows().Select(row => row.Name).Order());
    }

    [Fact]
    public async Task What_the_table_says_of_a_field_is_what_the_server_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach ((string name, _, string status) in Rows())
        {
            if (status == "refused")
            {
                using HttpResponseMessage refused = await gateway.SendAnthropicAsync("/v1/messages", Body(name));
                Assert.Contains($"'{name}'", await ErrorAssert.IsAnthropicErrorAsync(refused, 400, "invalid_request_error"));
            }
            else
            {
                string usual = await AnswerAsync(gateway, Body(Companions.GetValueOrDefault(name)));
                Assert.True((await AnswerAsync(gateway, Body(name)) == usual) == (status == "ignored"), name);
            }
        }
    }

    /// <summary>What the backend was asked and the kind of the answer: both are the same where a field has no effect.</summary>
    static async Task<string> AnswerAsync(TestGateway gateway, string body)
    {
        using HttpResponseMessage response = await gateway.SendAnthropicAsync("/v1/messages", body);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        var prompt = (ChatPrompt)asked.Prompt;
        return string.Join('\n',
            response.Content.Headers.ContentType!.MediaType,
            asked.ModelId,
            asked.Sampling,
            JsonSerializer.Serialize(asked.Stop),
            string.Join(',', prompt.Messages.Select(message => $"{message.Role} {message.Content?.Value}")),
            JsonSerializer.Serialize(prompt.TemplateVariables),
            prompt.Tools?.GetRawText(),
            asked.Reasoning,
            asked.ToolUse,
            asked.Format,
            asked.Routing);
    }

    static string Body(string? field)
    {
        var fields = new Dictionary<string, string>
        {
            ["model"] = "\"tiny\"",
            ["max_tokens"] = "5",
            ["messages"] = """[{"role":"user","content":"Hi"}]""",
        };
        foreach (string name in new[] { field, Companions.GetValueOrDefault(field ?? "") }.OfType<string>())
        {
            string[] path = name.Split('.');
            fields[path[0]] = path.Length == 1 ? Samples[name] : $"{{\"{path[1]}\":{Samples[name]}}}";
        }

        return $"{{{string.Join(',', fields.Select(pair => $"\"{pair.Key}\":{pair.Value}"))}}}";
    }
}
