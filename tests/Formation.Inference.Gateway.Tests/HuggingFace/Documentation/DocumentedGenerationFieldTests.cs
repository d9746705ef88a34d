using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Formation.Inference.Gateway.HuggingFace;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace.Documentation;

/// <summary>Holds the table of TGI's fields in <c>docs/api/huggingface.md</c> against what the server does with each.</summary>
public partial class DocumentedGenerationFieldTests
{
    /// <summary>A value of each field that its row is about.</summary>
    static readonly Dictionary<string, string> Samples = new()
    {
        ["inputs"] = "\"Twice\"",
        ["stream"] = "true",
        ["parameters.best_of"] = "2",
        ["parameters.decoder_input_details"] = "true",
        ["parameters.details"] = "false",
        ["parameters.do_sample"] = "false",
        ["parameters.frequency_penalty"] = "0.5",
        ["parameters.grammar"] = """{"type":"regex","value":"a"}""",
        ["parameters.max_new_tokens"] = "7",
        ["parameters.repetition_penalty"] = "1.5",
        ["parameters.return_full_text"] = "true",
        ["parameters.seed"] = "5",
        ["parameters.stop"] = """["END"]""",
        ["parameters.temperature"] = "0.5",
        ["parameters.top_k"] = "5",
        ["parameters.top_n_tokens"] = "2",
        ["parameters.top_p"] = "0.5",
        ["parameters.truncate"] = "1",
        ["parameters.typical_p"] = "0.5",
        ["parameters.adapter_id"] = "\"a\"",
        ["parameters.watermark"] = "true",
    };

    [GeneratedRegex(@"^\| `(?<name>[a-z_.]+)` \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("\"seed\":[0-9]+")]
    private static partial Regex Seed();

    static IEnumerable<(string Name, string Status)> Rows() => DocumentedTable.Rows(Row(), "Fields of TGI's requests");

    static IEnumerable<string> Fields(JsonTypeInfo type) => type.Properties.Where(property => !property.IsExtensionData).Select(property => property.Name);

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        string[] known =
        [
            .. Fields(HuggingFaceJsonContext.Requests.GenerateRequest).Where(name => name != "parameters"),
            .. Fields(HuggingFaceJsonContext.Requests.GenerateParameters).Select(name => $"parameters.{name}"),
        ];
        Assert.Equal(known.Order(), Rows().Select(row => row.Name).Order());
        Assert.Equal(Samples.Keys.Order(), Rows().Select(row => row.Name).Order());
    }

    [Fact]
    public async Task What_the_table_says_of_a_field_is_what_the_server_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ShownWords();
        string usual = await AnswerAsync(gateway, Body(null));
        foreach ((string name, string status) in Rows())
        {
            if (status == "refused")
            {
                using HttpResponseMessage refused = await gateway.PostAsync("/", Body(name));
                Assert.Contains($"'{name.Split('.')[^1]}'", await ErrorAssert.IsHuggingFaceErrorAsync(refused, 422, "validation"));
            }
            else
                Assert.True((await AnswerAsync(gateway, Body(name)) == usual) == (status == "ignored"), name);
        }
    }

    /// <summary>What the backend was asked, and the answer: both are the same where a field has no effect.</summary>
    static async Task<string> AnswerAsync(TestGateway gateway, string body)
    {
        using HttpResponseMessage response = await gateway.PostAsync("/", body);
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, answer);
        GenerationRequest asked = gateway.Backend.Requests.Last();
        string prompt = asked.Prompt is TextPrompt text ? text.Text.Value : string.Join(',', ((TokenPrompt)asked.Prompt).TokenIds);

        // A request that draws begins with a number of its own.
        if (!body.Contains("\"seed\""))
            answer = Seed().Replace(answer, "");
        SamplingParams sampling = body.Contains("\"seed\"") ? asked.Sampling : asked.Sampling with { Seed = null };
        return string.Join(
            '\n', response.Content.Headers.ContentType!.MediaType, answer, prompt, sampling, JsonSerializer.Serialize(asked.Stop), asked.Format, asked.Choices, asked.EchoPrompt, asked.Logprobs);
    }

    static string Body(string? field)
    {
        // Drawing and its details are what most of the others are about.
        var fields = new Dictionary<string, string> { ["inputs"] = "\"Once upon\"" };
        var parameters = new Dictionary<string, string> { ["do_sample"] = "true", ["details"] = "true" };
        if (field is not null)
            (field.StartsWith("parameters.", StringComparison.Ordinal) ? parameters : fields)[field.Split('.')[^1]] = Samples[field];
        fields["parameters"] = Joined(parameters);
        return Joined(fields);

        static string Joined(Dictionary<string, string> pairs) => $"{{{string.Join(',', pairs.Select(pair => $"\"{pair.Key}\":{pair.Value}"))}}}";
    }
}
