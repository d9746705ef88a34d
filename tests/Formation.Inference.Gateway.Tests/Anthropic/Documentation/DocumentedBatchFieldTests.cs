using System.Text.RegularExpressions;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Documentation;

/// <summary>Holds the tables of fields in <c>docs/api/message-batches.md</c> against what the server does with each.</summary>
public partial class DocumentedBatchFieldTests
{
    const string Path = "/v1/messages/batches";

    /// <summary>A value of each field that it refuses by name: a field that is read says so.</summary>
    static readonly Dictionary<string, string> Wrong = new()
    {
        ["requests"] = """{"requests":5}""",
        ["requests[].custom_id"] = """{"requests":[{"custom_id":5,"params":{}}]}""",
        ["requests[].params"] = """{"requests":[{"custom_id":"a","params":5}]}""",
        ["limit"] = "?limit=x",
        ["after_id"] = "?after_id=x",
        ["before_id"] = "?before_id=x",
    };

    [GeneratedRegex(@"^\| `(?<name>[a-z_.\[\]]+)` \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    static string[] Rows() => [.. Row().Matches(ApiDocument.Read("message-batches.md")).Select(row => row.Groups["name"].Value)];

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        Assert.Equal(Wrong.Keys.Order(), Rows().Order());
        string[] known =
        [
            .. AnthropicJsonContext.Requests.MessageBatchRequest.Properties.Select(property => property.Name),
            .. AnthropicJsonContext.Requests.MessageBatchItem.Properties.Select(property => $"requests[].{property.Name}"),
        ];
        Assert.Equal(known.Order(), Rows().Where(name => name.StartsWith("requests", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task Every_field_of_the_tables_is_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string name in Rows())
        {
            string wrong = Wrong[name];
            using HttpResponseMessage refused = wrong[0] == '?'
                ? await gateway.SendAnthropicAsync(Path + wrong)
                : await gateway.SendAnthropicAsync(Path, wrong);
            Assert.Contains($"'{name.Replace("[]", "[0]", StringComparison.Ordinal)}'", await ErrorAssert.IsAnthropicErrorAsync(refused, 400, "invalid_request_error"));
        }
    }
}
