using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Files;

public class FilesEndpointTests
{
    const string Path = "/v1/files";

    static MultipartFormDataContent Form(byte[]? content = null, string? purpose = "batch", string name = "name.jsonl", params (string Name, string Value)[] more)
    {
        var form = new MultipartFormDataContent();
        if (purpose is not null)
            form.Add(new StringContent(purpose), "purpose");
        if (content is not null)
            form.Add(new ByteArrayContent(content), "file", name);
        foreach ((string field, string value) in more)
            form.Add(new StringContent(value), field);
        return form;
    }

    static async Task<JsonElement> UploadAsync(HttpClient client, byte[] content, string purpose = "batch", params (string Name, string Value)[] more)
    {
        using HttpResponseMessage response = await client.PostAsync(Path, Form(content, purpose, more: more));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    static string Id(JsonElement file) => file.GetProperty("id").GetString()!;

    static async Task<JsonElement> ListAsync(TestGateway gateway, string query = "") => JsonElement.Parse(await gateway.Client.GetStringAsync(Path + query));

    static IEnumerable<string?> Ids(JsonElement list) => list.GetProperty("data").EnumerateArray().Select(file => file.GetProperty("id").GetString());

    [Fact]
    public async Task A_file_is_described_as_OpenAI_does()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement file = await UploadAsync(gateway.Client, "abc"u8.ToArray());
        long now = TestGateway.Now.ToUnixTimeSeconds();
        Assert.Equal(
            $$"""{"id":"{{Id(file)}}","object":"file","bytes":3,"created_at":{{now}},"filename":"name.jsonl","purpose":"batch","status":"processed","expires_at":{{now + (30 * 24 * 3600)}}}""",
            file.GetRawText());
        Assert.Equal(file.GetRawText(), await gateway.Client.GetStringAsync($"{Path}/{Id(file)}"));
        JsonElement kept = await UploadAsync(gateway.Client, "abc"u8.ToArray(), "user_data");
        Assert.False(kept.TryGetProperty("expires_at", out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(FileTable.PartBytes)]
    [InlineData((2 * FileTable.PartBytes) + 1)]
    public async Task A_file_is_given_again_byte_by_byte(int length)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var content = new byte[length];
        new Random(7).NextBytes(content);
        JsonElement file = await UploadAsync(gateway.Client, content);
        using HttpResponseMessage response = await gateway.Client.GetAsync($"{Path}/{Id(file)}/content");
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal(content, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Files_are_listed_by_purpose_in_either_order_and_page_by_page()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var ids = new List<string>();
        foreach (string purpose in (string[])["batch", "user_data", "batch"])
        {
            ids.Add(Id(await UploadAsync(gateway.Client, [1], purpose)));
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([ids[2], ids[1], ids[0]], Ids(await ListAsync(gateway)));
        Assert.Equal([ids[0], ids[2]], Ids(await ListAsync(gateway, "?purpose=batch&order=asc")));
        JsonElement page = await ListAsync(gateway, "?order=asc&limit=2");
        Assert.Equal([ids[0], ids[1]], Ids(page));
        Assert.Equal((true, ids[1]), (page.GetProperty("has_more").GetBoolean(), page.GetProperty("last_id").GetString()!));
        Assert.Equal([ids[2]], Ids(await ListAsync(gateway, $"?order=asc&after={ids[1]}")));
        Assert.Equal([ids[0]], Ids(await ListAsync(gateway, $"?after={ids[1]}")));
    }

    [Fact]
    public async Task A_file_that_is_deleted_or_too_old_is_gone()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement deleted = await UploadAsync(gateway.Client, [1]);
        using (HttpResponseMessage answer = await gateway.Client.DeleteAsync($"{Path}/{Id(deleted)}"))
            Assert.Equal($$"""{"id":"{{Id(deleted)}}","object":"file","deleted":true}""", await answer.Content.ReadAsStringAsync());
        JsonElement old = await UploadAsync(gateway.Client, [1], "user_data", ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600"));
        gateway.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(Ids(await ListAsync(gateway)));
        foreach (JsonElement file in (JsonElement[])[deleted, old])
            await NoneAsync(gateway.Client, Id(file));
    }

    // Security test 6.
    [Fact]
    public async Task Another_account_s_file_is_as_one_that_is_not_there()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement file = await UploadAsync(gateway.Client, [1]);
        using var other = new HttpClient { BaseAddress = gateway.Url };
        NewApiKey key = await gateway.Keys.CreateAsync("other", "other", KeyScopes.Inference);
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        await NoneAsync(other, Id(file));
        Assert.Contains("\"data\":[]", await other.GetStringAsync(Path));
        Assert.Equal([Id(file)], Ids(await ListAsync(gateway)));
    }

    [Fact]
    public async Task A_form_that_is_at_fault_is_refused_and_leaves_nothing()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxFileBytes = 1024 });
        (HttpContent Form, int Status, string Code, string? Param)[] cases =
        [
            (Form(purpose: "batch"), 400, "missing_required_parameter", "file"),
            (Form([1], purpose: null), 400, "missing_required_parameter", "purpose"),
            (Form([1], "assistants"), 400, "unsupported_value", "purpose"),
            (Form([1], "nonsense"), 400, "invalid_value", "purpose"),
            (Form([]), 400, "invalid_value", "file"),
            (Form([1], name: new string('n', 300)), 400, "string_above_max_length", "file"),
            (Form([1], more: ("expires_after[seconds]", "3600")), 400, "missing_required_parameter", "expires_after[anchor]"),
            (Form([1], more: [("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "5")]), 400, "integer_below_min_value", "expires_after[seconds]"),
            (Form([1], more: [("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "soon")]), 400, "invalid_type", "expires_after[seconds]"),
            (Form([1], more: ("x", new string('x', 2000))), 400, "string_above_max_length", "x"),
            (Form(new byte[1025]), 413, "request_too_large", null),
            (Form(new byte[200_000]), 413, "request_too_large", null),
            (new StringContent("{}", Encoding.UTF8, "application/json"), 415, "unsupported_content_type", null),
            (new ByteArrayContent([1]) { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data") } }, 400, "invalid_form", null),
        ];
        foreach ((HttpContent form, int status, string code, string? param) in cases)
        {
            using HttpResponseMessage response = await gateway.Client.PostAsync(Path, form);
            JsonElement error = await ErrorAssert.IsErrorAsync(response, status, code);
            Assert.Equal(param, error.GetProperty("param").GetString());
        }

        Assert.Empty(Ids(await ListAsync(gateway)));
    }

    [Fact]
    public async Task A_server_that_keeps_nothing_takes_no_files()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Contents = null });
        using HttpResponseMessage response = await gateway.Client.PostAsync(Path, Form([1]));
        await ErrorAssert.IsErrorAsync(response, 404, "endpoint_not_available");
    }

    static async Task NoneAsync(HttpClient client, string id)
    {
        foreach ((HttpMethod method, string path) in new[] { (HttpMethod.Get, id), (HttpMethod.Get, $"{id}/content"), (HttpMethod.Delete, id) })
        {
            using HttpResponseMessage response = await client.SendAsync(new HttpRequestMessage(method, $"{Path}/{path}"));
            await ErrorAssert.IsErrorAsync(response, 404, null);
        }
    }
}
