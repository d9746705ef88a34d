using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Formation.Inference.Gateway.HuggingFace;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.HuggingFace.Documentation;

/// <summary>Holds the tables of TEI's and the Inference API's fields in <c>docs/api/huggingface.md</c> against what the server does with each.</summary>
public partial class DocumentedEmbeddingFieldTests
{
    /// <summary>For each field where it is sent, and two bodies of which the second one differs by the field.</summary>
    static readonly Dictionary<string, (string Path, string Without, string With)> Samples = new()
    {
        ["inputs"] = ("/embed", """{"inputs":"a"}""", """{"inputs":["a","b"]}"""),
        ["normalize"] = ("/embed", """{"inputs":"a"}""", """{"inputs":"a","normalize":false}"""),
        ["dimensions"] = ("/embed", """{"inputs":"a"}""", """{"inputs":"a","dimensions":2}"""),
        ["truncate"] = ("/embed", """{"inputs":"a"}""", """{"inputs":"a","truncate":true}"""),
        ["truncation_direction"] = ("/embed", """{"inputs":"a","truncate":true}""", """{"inputs":"a","truncate":true,"truncation_direction":"left"}"""),
        ["prompt_name"] = ("/embed", """{"inputs":"a"}""", """{"inputs":"a","prompt_name":"p"}"""),
        ["inputs.source_sentence"] = ("/similarity", Compared(""), Compared("").Replace("\"a\"", "\"c\"")),
        ["inputs.sentences"] = ("/similarity", Compared(""), Compared("").Replace("[\"b\"]", "[\"b\",\"c\"]")),
        ["parameters.truncate"] = ("/similarity", Compared(""), Compared(""" "truncate":true """)),
        ["parameters.truncation_direction"] = ("/similarity", Compared(""" "truncate":true """), Compared(""" "truncate":true,"truncation_direction":"left" """)),
        ["parameters.prompt_name"] = ("/similarity", Compared(""), Compared(""" "prompt_name":"p" """)),
        ["query"] = ("/rerank", """{"query":"a","texts":["b"]}""", """{"query":"c","texts":["b"]}"""),
        ["texts"] = ("/rerank", """{"query":"a","texts":["b"]}""", """{"query":"a","texts":["b","c"]}"""),
        ["raw_scores"] = ("/rerank", """{"query":"a","texts":["bb"]}""", """{"query":"a","texts":["bb"],"raw_scores":true}"""),
        ["return_text"] = ("/rerank", """{"query":"a","texts":["b"]}""", """{"query":"a","texts":["b"],"return_text":true}"""),
        ["add_special_tokens"] = ("/tei/tokenize", """{"inputs":"a"}""", """{"inputs":"a","add_special_tokens":false}"""),
        ["ids"] = ("/decode", """{"ids":[1]}""", """{"ids":[2,3]}"""),
        ["skip_special_tokens"] = ("/decode", """{"ids":[1]}""", """{"ids":[1],"skip_special_tokens":false}"""),
        ["options.wait_for_model"] = ("/models/acme/big-1", """{"inputs":["a"]}""", """{"inputs":["a"],"options":{"wait_for_model":false}}"""),
        ["options.use_cache"] = ("/models/acme/big-1", """{"inputs":["a"]}""", """{"inputs":["a"],"options":{"use_cache":false}}"""),
    };

    static string Compared(string parameters) => $$$"""{"inputs":{"source_sentence":"a","sentences":["b"]},"parameters":{{{{parameters}}}}}""";

    [GeneratedRegex(@"^\| `(?<name>[a-z_.]+)` \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    static IEnumerable<(string Name, string Status)> Rows() =>
        [.. DocumentedTable.Rows(Row(), "Fields of TEI's requests"), .. DocumentedTable.Rows(Row(), "Fields of the Inference API's requests")];

    static IEnumerable<string> Fields(JsonTypeInfo type, string path = "") =>
        type.Properties.Where(property => !property.IsExtensionData).Select(property => path + property.Name);

    [Fact]
    public void Every_field_that_the_server_knows_has_a_row_and_every_row_a_field()
    {
        HuggingFaceJsonContext context = HuggingFaceJsonContext.Requests;
        IEnumerable<string> known =
        [
            .. Fields(context.EmbedRequest), .. Fields(context.SimilarityInputs, "inputs."), .. Fields(context.ReadingFields, "parameters."),
            .. Fields(context.RerankRequest), .. Fields(context.TokenizeRequest).Where(name => name != "parameters"), .. Fields(context.DecodeRequest),
            .. Fields(context.TaskOptions, "options."),
        ];
        Assert.Equal(known.Distinct().Order(), Rows().Select(row => row.Name).Order());
        Assert.Equal(Samples.Keys.Order(), Rows().Select(row => row.Name).Order());
    }

    [Fact]
    public async Task What_the_tables_say_of_a_field_is_what_the_server_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach ((string name, string status) in Rows())
        {
            (string path, string without, string with) = Samples[name];
            if (status == "refused")
            {
                using HttpResponseMessage refused = await gateway.PostAsync(path, with);
                Assert.Contains($"'{name.Split('.')[^1]}'", await ErrorAssert.IsHuggingFaceErrorAsync(refused, 422, "Validation"));
            }
            else
                Assert.True((await AnswerAsync(gateway, path, with) == await AnswerAsync(gateway, path, without)) == (status == "ignored"), name);
        }
    }

    /// <summary>What the backend was asked, and the answer: both are the same where a field has no effect.</summary>
    static async Task<string> AnswerAsync(TestGateway gateway, string path, string body)
    {
        string asked = "";
        gateway.Backend.Script = Scripts.ShownWords();
        gateway.Backend.Embedder = (request, _) =>
        {
            string inputs = string.Join(',', request.Inputs.Select(input => ((TextPrompt)input).Text.Value));
            asked = $"{inputs} {request.Normalize} {request.Dimensions} {request.Truncation} {request.Kind}";
            return Task.FromResult<Outcome<EmbeddingAnswer>>(new EmbeddingAnswer(
                [.. request.Inputs.Select(input => new InputEmbedding(1, 2, ((TextPrompt)input).Text.Length == 1 ? [1, 0] : [0.5f, 0.5f]))]));
        };
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        return $"{(int)response.StatusCode} {asked} {await response.Content.ReadAsStringAsync()}";
    }
}
