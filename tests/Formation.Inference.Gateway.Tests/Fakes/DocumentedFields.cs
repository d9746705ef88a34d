using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>The rows of the tables in <c>docs/api</c>, and what tests need to hold them against the server.</summary>
internal static partial class DocumentedFields
{
    [GeneratedRegex(@"^\| `(?<name>[a-z_.\[\]]+)` \| (?<status>supported|ignored|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    /// <summary>What differs from answer to answer whatever was asked.</summary>
    [GeneratedRegex(@"(chatcmpl-|cmpl-|call_|req_)[0-9a-z]+")]
    private static partial Regex Ids();

    /// <summary>The fields of a page, of some of its sections where these are named, with what is said to become of each.</summary>
    internal static (string Name, string Status)[] Rows(string page, params string[] sections)
    {
        string text = ApiDocument.Read(page);
        IEnumerable<string> parts = sections.Length == 0 ? [text] : text.Split("\n## ").Where(part => sections.Contains(part.Split('\n')[0]));
        return [.. parts.SelectMany(part => Row().Matches(part)).Select(row => (row.Groups["name"].Value, row.Groups["status"].Value))];
    }

    /// <summary>The fields that the server knows.</summary>
    internal static string[] Known(JsonTypeInfo type) => [.. type.Properties.Where(property => !property.IsExtensionData).Select(property => property.Name)];

    /// <summary>A body with a field, or with none but those that it always has.</summary>
    /// <param name="usual">The fields that it always has.</param>
    /// <param name="besides">What the field needs beside it, or null.</param>
    /// <param name="field">The field, or null; a dot leads into an object.</param>
    /// <param name="value">Its value.</param>
    internal static string Body(
        IReadOnlyDictionary<string, string> usual, (string Name, string Value)? besides = null, string? field = null, string? value = null)
    {
        var fields = new Dictionary<string, string>(usual);
        if (besides is { } companion)
            fields[companion.Name] = companion.Value;
        if (field is not null)
        {
            string[] path = field.Split('.');
            fields[path[0]] = path.Length == 1 ? value! : $"{{\"{path[1]}\":{value}}}";
        }

        return $"{{{string.Join(',', fields.Select(pair => $"\"{pair.Key}\":{pair.Value}"))}}}";
    }

    /// <summary>What is given later of an answer that is kept, or nothing.</summary>
    static async Task<string> KeptAsync(TestGateway gateway, string path, string answer)
    {
        using HttpResponseMessage kept = await gateway.Client.GetAsync($"{path}/{Ids().Match(answer).Value}");
        return kept.IsSuccessStatusCode ? Ids().Replace(await kept.Content.ReadAsStringAsync(), "") : "";
    }

    /// <summary>What the backend was asked, and the answer: both are the same where a field has no effect.</summary>
    internal static async Task<string> AnswerAsync(TestGateway gateway, string path, string body)
    {
        using HttpResponseMessage response = await gateway.PostAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{body}: {text}");
        Assert.True(gateway.Backend.Requests.TryDequeue(out GenerationRequest? asked));
        return string.Join('\n',
            Ids().Replace(text, ""),
            await KeptAsync(gateway, path, text),
            asked.ModelId,
            asked.Sampling with { LogitBias = null },
            JsonSerializer.Serialize(asked.Sampling.LogitBias),
            JsonSerializer.Serialize(asked.Stop),
            asked.Format,
            asked.Reasoning,
            asked.ToolUse,
            asked.Choices,
            asked.Logprobs,
            asked.EchoPrompt,
            asked.Routing,
            asked.Prompt switch
            {
                ChatPrompt chat => string.Join(',',
                    chat.Tools?.GetRawText(),
                    chat.AddGenerationPrompt,
                    JsonSerializer.Serialize(chat.TemplateVariables),
                    string.Join(',', chat.Messages.Select(message => $"{message.Role} {message.Content?.Value}"))),
                TextPrompt plain => plain.Text.Value,
                _ => asked.Prompt.ToString(),
            });
    }
}
