using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Documentation;

/// <summary>Holds the tables of <c>docs/api/files.md</c> and <c>docs/api/batches.md</c> against what the server does with each field.</summary>
public class DocumentedFileFieldTests
{
    /// <summary>A value of each field of a form, or of a list's URL, that it refuses by name: a field that is read says so.</summary>
    static readonly Dictionary<string, string?> WrongOfFiles = new()
    {
        ["file"] = null,
        ["purpose"] = "x",
        ["expires_after[anchor]"] = "x",
        ["expires_after[seconds]"] = "x",
        ["limit"] = "x",
        ["order"] = "x",
        ["after"] = "x",
    };

    static readonly Dictionary<string, string> WrongOfBatches = new()
    {
        ["input_file_id"] = "\"x\"",
        ["endpoint"] = "\"x\"",
        ["completion_window"] = "\"x\"",
        ["metadata"] = "5",
        ["output_expires_after.anchor"] = "\"x\"",
        ["output_expires_after.seconds"] = "5",
    };

    static readonly string[] InUrl = ["limit", "after"];

    static async Task RefusesAsync(Task<HttpResponseMessage> sending, string name)
    {
        using HttpResponseMessage refused = await sending;
        string body = await refused.Content.ReadAsStringAsync();
        Assert.True(refused.StatusCode == System.Net.HttpStatusCode.BadRequest, $"{name}: {body}");
        Assert.Equal(name, JsonElement.Parse(body).GetProperty("error").GetProperty("param").GetString());
    }

    static MultipartFormDataContent Form(string? field = null, string? value = null)
    {
        var fields = new Dictionary<string, string> { ["purpose"] = "user_data" };
        if (field is not null && value is not null)
            fields[field] = value;
        if (field?.StartsWith("expires_after", StringComparison.Ordinal) == true)
        {
            fields.TryAdd("expires_after[anchor]", "created_at");
            fields.TryAdd("expires_after[seconds]", "3600");
        }

        var form = new MultipartFormDataContent();
        foreach ((string name, string text) in fields)
            form.Add(new StringContent(text), name);
        if (field != "file")
            form.Add(new StringContent("bytes"), "file", "name");
        return form;
    }

    [Fact]
    public async Task Every_field_of_files_is_read_and_others_are_passed_over()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        (string Name, string Status)[] rows = DocumentedFields.Rows("files.md");
        Assert.Equal(WrongOfFiles.Keys.Append("purpose").Order(), rows.Select(row => row.Name).Order());
        Assert.All(rows, row => Assert.Equal("supported", row.Status));
        foreach ((string name, string? wrong) in WrongOfFiles)
            await RefusesAsync(
                name is "limit" or "order" or "after" ? gateway.Client.GetAsync($"/v1/files?{name}={wrong}") : gateway.Client.PostAsync("/v1/files", Form(name, wrong)),
                name);

        Assert.Contains("| all others | ignored |", ApiDocument.Read("files.md"), StringComparison.Ordinal);
        using HttpResponseMessage taken = await gateway.Client.PostAsync("/v1/files", Form("other", "x"));
        Assert.True(taken.IsSuccessStatusCode);
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync("/v1/files?purpose=batch"));
        Assert.DoesNotContain("\"data\":[]", await gateway.Client.GetStringAsync("/v1/files?purpose=user_data"));
    }

    [Fact]
    public async Task Every_field_of_batches_is_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        (string Name, string Status)[] rows = DocumentedFields.Rows("batches.md");
        Assert.Equal(WrongOfBatches.Keys.Concat(InUrl).Order(), rows.Select(row => row.Name).Order());
        Assert.All(rows, row => Assert.Equal("supported", row.Status));
        Assert.Equal(
            DocumentedFields.Known(OpenAIJsonContext.Requests.BatchRequest).Order(), WrongOfBatches.Keys.Select(name => name.Split('.')[0]).Distinct().Order());
        var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes("x")), "file", "in.jsonl" } };
        using HttpResponseMessage uploaded = await gateway.Client.PostAsync("/v1/files", form);
        string file = JsonElement.Parse(await uploaded.Content.ReadAsStringAsync()).GetProperty("id").GetString()!;
        var usual = new Dictionary<string, string>
        {
            ["input_file_id"] = $"\"{file}\"",
            ["endpoint"] = "\"/v1/chat/completions\"",
            ["completion_window"] = "\"24h\"",
        };
        foreach ((string name, string wrong) in WrongOfBatches)
            await RefusesAsync(
                gateway.PostAsync(
                    "/v1/batches",
                    name == "output_expires_after.seconds"
                        ? DocumentedFields.Body(usual, field: "output_expires_after", value: $$"""{"anchor":"created_at","seconds":{{wrong}}}""")
                        : DocumentedFields.Body(usual, field: name, value: wrong)),
                name);
        foreach (string name in InUrl)
            await RefusesAsync(gateway.Client.GetAsync($"/v1/batches?{name}=x"), name);
    }
}
