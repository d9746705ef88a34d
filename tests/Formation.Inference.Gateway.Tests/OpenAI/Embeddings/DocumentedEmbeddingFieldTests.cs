using System.Text.Json;
using System.Text.RegularExpressions;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Embeddings;

/// <summary>Holds the table of an embedding's fields in <c>docs/api/openai.md</c> against what the server does with each.</summary>
public partial class DocumentedEmbeddingFieldTests
{
    /// <summary>A value of each field that its row is about.</summary>
    static readonly Dictionary<string, string> Samples = new()
    {
        ["model"] = "\"acme/big-1\"",
        ["input"] = """["Ho"]""",
        ["encoding_format"] = "\"base64\"",
        ["dimensions"] = "2",
        ["user"] = "\"u\"",
    };

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    static (string Name, string Status)[] Rows()
    {
        string text = ApiDocument.Read("openai.md");
        int start = text.IndexOf("\n## Embeddings\n", StringComparison.Ordinal);
        string section = text[start..text.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
        return [.. Row().Matches(section).Select(row => (row.Groups["name"].Value, row.Groups["status"].Value))];
    }

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        string[] known = [.. OpenAIJsonContext.Requests.CreateEmbeddingRequest.Properties
            .Where(property => !property.IsExtensionData).Select(property => property.Name).Order()];
        Assert.Equal(known, Rows().Select(row => row.Name).Order());
        Assert.Equal(known, Samples.Keys.Order());
    }

    [Fact]
    public async Task What_the_table_says_of_a_field_is_what_the_server_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string usual = await AnswerAsync(gateway, null);
        foreach ((string name, string status) in Rows())
            Assert.True((await AnswerAsync(gateway, name) == usual) == (status == "ignored"), name);
    }

    /// <summary>What the backend was asked and the answer: both are the same where a field has no effect.</summary>
    static async Task<string> AnswerAsync(TestGateway gateway, string? field)
    {
        var fields = new Dictionary<string, string> { ["model"] = "\"tiny\"", ["input"] = "\"Hi\"" };
        if (field is not null)
            fields[field] = Samples[field];
        string answer = await gateway.PostForTextAsync("/v1/embeddings", $"{{{string.Join(',', fields.Select(pair => $"\"{pair.Key}\":{pair.Value}"))}}}");
        Assert.True(gateway.Backend.Embeddings.TryDequeue(out EmbeddingRequest? asked));
        return string.Join('\n', answer, asked.ModelId, asked.Dimensions, JsonSerializer.Serialize(asked.Inputs.Select(input => ((TextPrompt)input).Text.Value)));
    }
}
