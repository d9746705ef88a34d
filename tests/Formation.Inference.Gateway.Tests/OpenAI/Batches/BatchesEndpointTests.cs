using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.OpenAI;
using Formation.Inference.Gateway.OpenAI.Batches;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Tests.OpenAI.Batches;

public class BatchesEndpointTests
{
    const string Path = "/v1/batches", Chat = "/v1/chat/completions";

    static string Line(string id, string? body = null, string url = Chat) =>
        $$"""{"custom_id":"{{id}}","method":"POST","url":"{{url}}","body":{{body ?? TestGateway.Chat()}}}""";

    static async Task<string> UploadAsync(TestGateway gateway, string lines, string purpose = "batch")
    {
        var form = new MultipartFormDataContent { { new StringContent(purpose), "purpose" }, { new StringContent(lines), "file", "in.jsonl" } };
        using HttpResponseMessage response = await gateway.Client.PostAsync("/v1/files", form);
        return Json(await response.Content.ReadAsStringAsync()).GetProperty("id").GetString()!;
    }

    static string Body(string file, string more = "", string endpoint = Chat) =>
        $$"""{"input_file_id":"{{file}}","endpoint":"{{endpoint}}","completion_window":"24h"{{more}}}""";

    static async Task<string> CreateAsync(TestGateway gateway, string lines, string endpoint = Chat)
    {
        JsonElement batch = await gateway.PostForJsonAsync(Path, Body(await UploadAsync(gateway, lines), endpoint: endpoint));
        Assert.Equal("validating", batch.GetProperty("status").GetString());
        return batch.GetProperty("id").GetString()!;
    }

    static JsonElement Json(string text) => JsonElement.Parse(text);

    static async Task<JsonElement> GetAsync(TestGateway gateway, string id) => Json(await gateway.Client.GetStringAsync($"{Path}/{id}"));

    /// <summary>The batch, once it has a status.</summary>
    static async Task<JsonElement> WhenAsync(TestGateway gateway, string id, string status)
    {
        JsonElement batch = default;
        await Eventually.TrueAsync(async () =>
        {
            batch = await GetAsync(gateway, id);
            return batch.GetProperty("status").GetString() == status;
        });
        return batch;
    }

    static async Task<JsonElement[]> FileAsync(TestGateway gateway, JsonElement batch, string name) =>
        batch.GetProperty(name).GetString() is { } id
            ? [.. (await gateway.Client.GetStringAsync($"/v1/files/{id}/content")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Json(line))]
            : [];

    [Fact]
    public async Task A_batch_runs_its_lines_as_the_requests_that_they_are()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await CreateAsync(gateway, string.Join('\n',
            Line("first"), Line("bad", TestGateway.Chat(""","temperature":9""")), "", Line("none", """{"model":"no-such","messages":[{"role":"user","content":"x"}]}"""), Line("last") + "\r\n"));
        JsonElement batch = await WhenAsync(gateway, id, "completed");
        Assert.Equal("""{"total":4,"completed":2,"failed":2}""", batch.GetProperty("request_counts").GetRawText());
        JsonElement[] output = await FileAsync(gateway, batch, "output_file_id");
        Assert.Equal(["first", "last"], output.Select(line => line.GetProperty("custom_id").GetString()));
        JsonElement answer = output[0].GetProperty("response");
        Assert.Equal(200, answer.GetProperty("status_code").GetInt32());
        Assert.StartsWith("req_", answer.GetProperty("request_id").GetString());
        Assert.Equal("Hello world", answer.GetProperty("body").GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(JsonValueKind.Null, output[0].GetProperty("error").ValueKind);
        JsonElement[] failed = await FileAsync(gateway, batch, "error_file_id");
        Assert.Equal(["bad 400 temperature", "none 404 "], failed.Select(line =>
            $"{line.GetProperty("custom_id")} {line.GetProperty("response").GetProperty("status_code")} {line.GetProperty("response").GetProperty("body").GetProperty("error").GetProperty("param")}"));
        Assert.All(gateway.Backend.Requests, request => Assert.Equal(ApiKeyStore.AdministratorAccountId, request.AccountId));
        JsonElement file = Json(await gateway.Client.GetStringAsync($"/v1/files/{batch.GetProperty("output_file_id").GetString()}"));
        Assert.Equal(("batch_output", $"{id}_output.jsonl"), (file.GetProperty("purpose").GetString(), file.GetProperty("filename").GetString()));
    }

    [Theory]
    [InlineData("/v1/completions", """{"model":"tiny","prompt":"x"}""", "choices")]
    [InlineData("/v1/responses", """{"model":"tiny","input":"x"}""", "output")]
    [InlineData("/v1/embeddings", """{"model":"tiny","input":"x"}""", "data")]
    public async Task Other_endpoints_take_batches_too(string endpoint, string body, string property)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenAsync(gateway, await CreateAsync(gateway, Line("a", body, endpoint), endpoint), "completed");
        Assert.Equal(JsonValueKind.Null, batch.GetProperty("error_file_id").ValueKind);
        JsonElement line = Assert.Single(await FileAsync(gateway, batch, "output_file_id"));
        Assert.NotEmpty(line.GetProperty("response").GetProperty("body").GetProperty(property).EnumerateArray());
    }

    [Theory]
    [InlineData("{", "invalid_json_line", null)]
    [InlineData("5", "invalid_json_line", null)]
    [InlineData("""{"method":"POST"}""", "missing_required_parameter", "custom_id")]
    [InlineData("""{"custom_id":"a","method":"GET"}""", "invalid_method", "method")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/completions","body":{}}""", "mismatched_endpoint", "url")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/chat/completions"}""", "missing_required_parameter", "body")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"stream":true}}""", "invalid_value", "body.stream")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"background":true}}""", "invalid_value", "body.background")]
    [InlineData("""{"custom_id":"good","method":"POST","url":"/v1/chat/completions","body":{}}""", "duplicate_custom_id", "custom_id")]
    public async Task A_file_with_a_line_at_fault_is_not_begun(string line, string code, string? param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenAsync(gateway, await CreateAsync(gateway, Line("good") + "\n" + line), "failed");
        JsonElement error = Assert.Single(batch.GetProperty("errors").GetProperty("data").EnumerateArray());
        Assert.Equal((code, 2, param), (error.GetProperty("code").GetString()!, error.GetProperty("line").GetInt32(), error.GetProperty("param").GetString()));
        Assert.Empty(gateway.Backend.Requests);
    }

    [Fact]
    public async Task A_file_without_requests_is_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenAsync(gateway, await CreateAsync(gateway, "\n \r\n"), "failed");
        Assert.Equal("empty_file", batch.GetProperty("errors").GetProperty("data")[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_cancelled_batch_ends_its_requests_and_tells_those_that_were_done()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { BatchRequestsAtOnce = 1 }, realClock: true);
        gateway.Backend.Script = (request, token) => gateway.Backend.Requests.Count > 1
            ? Scripts.ThenWait(new GenerationStarted(1))(request, token)
            : Scripts.Words("Done")(request, token);
        string id = await CreateAsync(gateway, string.Join('\n', Line("a"), Line("b"), Line("c")));
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Count == 2);
        JsonElement asked = await gateway.PostForJsonAsync($"{Path}/{id}/cancel", "");
        Assert.Equal("cancelling", asked.GetProperty("status").GetString());
        await gateway.Backend.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        JsonElement batch = await WhenAsync(gateway, id, "cancelled");
        Assert.Equal("""{"total":3,"completed":1,"failed":0}""", batch.GetProperty("request_counts").GetRawText());
        Assert.Single(await FileAsync(gateway, batch, "output_file_id"));
        using HttpResponseMessage again = await gateway.PostAsync($"{Path}/{id}/cancel", "");
        await ErrorAssert.IsErrorAsync(again, 409, null);
    }

    [Fact]
    public async Task A_batch_that_takes_longer_than_a_day_expires_and_says_which_lines_did()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        string id = await CreateAsync(gateway, string.Join('\n', Line("a"), Line("b")));
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Count == 2);
        // The batch looks at its time once a second.
        gateway.Clock.Advance(TimeSpan.FromHours(24));
        JsonElement batch = await WhenAsync(gateway, id, "expired");
        Assert.Equal("""{"total":2,"completed":0,"failed":2}""", batch.GetProperty("request_counts").GetRawText());
        JsonElement[] failed = await FileAsync(gateway, batch, "error_file_id");
        Assert.Equal(["a", "b"], failed.Select(line => line.GetProperty("custom_id").GetString()));
        Assert.All(failed, line => Assert.Equal("batch_expired", line.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_batch_that_another_gateway_left_is_gone_on_with_and_no_line_runs_again()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        BatchTable batches = gateway.App.Services.GetRequiredService<GatewayOptions>().Contents!.Batches;
        string file = await UploadAsync(gateway, string.Join('\n', Line("a"), Line("b", TestGateway.Chat(""","seed":2"""))));
        long now = TestGateway.Now.ToUnixTimeSeconds();
        var state = new BatchState(
            new BatchObject
            {
                Id = "batch_x",
                Endpoint = Chat,
                InputFileId = file,
                Status = BatchStatus.InProgress,
                CreatedAt = now,
                ExpiresAt = now + 1000,
                RequestCounts = new BatchCounts(2, 0, 0),
            },
            3600);
        var kept = new KeptBatch(
            "batch_x", ApiKeyStore.AdministratorAccountId, "openai", TestGateway.Now, null, JsonSerializer.SerializeToUtf8Bytes(state, OpenAIJsonContext.Answers.BatchState));
        Assert.True(await batches.TryAddAsync(kept, CancellationToken.None));
        Assert.NotNull(await batches.TryHoldAsync("another", new HashSet<string>(), CancellationToken.None));
        await batches.AddResultAsync(kept, new BatchResult(1, IsError: false, "{\"custom_id\":\"a\"}\n"u8.ToArray()), CancellationToken.None);
        Assert.Equal("""{"total":2,"completed":1,"failed":0}""", (await GetAsync(gateway, "batch_x")).GetProperty("request_counts").GetRawText());

        gateway.Clock.Advance(TimeSpan.FromSeconds(31));
        JsonElement batch = await WhenAsync(gateway, "batch_x", "completed");
        Assert.Equal(2, Assert.Single(gateway.Backend.Requests).Sampling.Seed);
        Assert.Equal(["a", "b"], (await FileAsync(gateway, batch, "output_file_id")).Select(line => line.GetProperty("custom_id").GetString()));
    }

    [Fact]
    public async Task No_request_of_a_batch_begins_while_others_need_the_room()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { BatchYieldsToRequests = 1 }, realClock: true);
        var end = new TaskCompletionSource();
        gateway.Backend.Script = (request, token) => request.Sampling.Seed == 1 ? UntilAsync(end.Task) : Scripts.Words("Done")(request, token);
        Task<HttpResponseMessage> interactive = gateway.ChatAsync(""","seed":1""");
        await Eventually.TrueAsync(() => !gateway.Backend.Requests.IsEmpty);
        string id = await CreateAsync(gateway, Line("a"));
        JsonElement waiting = await WhenAsync(gateway, id, "in_progress");
        Assert.Equal("""{"total":1,"completed":0,"failed":0}""", waiting.GetProperty("request_counts").GetRawText());
        Assert.Single(gateway.Backend.Requests);
        end.SetResult();
        (await interactive).Dispose();
        await WhenAsync(gateway, id, "completed");
        Assert.Equal(2, gateway.Backend.Requests.Count);

        static async IAsyncEnumerable<GenerationEvent> UntilAsync(Task end)
        {
            yield return new GenerationStarted(1);
            await end;
            yield return new GenerationFinished(0, FinishReason.Stop, 1);
        }
    }

    [Fact]
    public async Task A_line_that_the_server_has_no_room_for_is_tried_again()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = (request, token) =>
            (gateway.Backend.Requests.Count == 1 ? Scripts.Events(Scripts.Failure(GenerationErrorKind.QueueFull)) : Scripts.Words("Done"))(request, token);
        string id = await CreateAsync(gateway, Line("a"));
        await Eventually.TrueAsync(() =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
            return gateway.Backend.Requests.Count == 2;
        });

        JsonElement batch = await WhenAsync(gateway, id, "completed");
        Assert.Single(await FileAsync(gateway, batch, "output_file_id"));
    }

    [Theory]
    [InlineData("{}", "missing_required_parameter", "endpoint")]
    [InlineData("""{"endpoint":"/v1/images/generations"}""", "unsupported_value", "endpoint")]
    [InlineData("""{"endpoint":"/v1/chat/completions"}""", "missing_required_parameter", "completion_window")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"48h"}""", "invalid_value", "completion_window")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h"}""", "missing_required_parameter", "input_file_id")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h","input_file_id":"file-x"}""", "invalid_value", "input_file_id")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h","input_file_id":"DATA"}""", "invalid_value", "input_file_id")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h","metadata":5}""", "invalid_type", "metadata")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h","output_expires_after":{"seconds":3600}}""", "missing_required_parameter", "output_expires_after.anchor")]
    [InlineData("""{"endpoint":"/v1/chat/completions","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":5}}""", "integer_below_min_value", "output_expires_after.seconds")]
    public async Task A_request_at_fault_is_refused_by_name(string body, string code, string param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string data = await UploadAsync(gateway, "x", "user_data");
        using HttpResponseMessage response = await gateway.PostAsync(Path, body.Replace("DATA", data, StringComparison.Ordinal));
        Assert.Equal(param, (await ErrorAssert.IsErrorAsync(response, 400, code)).GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_batch_needs_the_scope_of_its_endpoint()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string file = await UploadAsync(gateway, Line("a"));
        using var chat = new HttpClient { BaseAddress = gateway.Url };
        NewApiKey key = await gateway.Keys.CreateAsync("chat", ApiKeyStore.AdministratorAccountId, KeyScopes.Chat);
        chat.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        using HttpResponseMessage refused = await chat.PostAsync(Path, new StringContent(Body(file, endpoint: "/v1/embeddings"), Encoding.UTF8, "application/json"));
        await ErrorAssert.IsErrorAsync(refused, 403, "insufficient_permissions");
        using HttpResponseMessage taken = await chat.PostAsync(Path, new StringContent(Body(file), Encoding.UTF8, "application/json"));
        Assert.True(taken.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Files_of_a_batch_live_as_long_as_was_asked_and_its_metadata_is_repeated()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string file = await UploadAsync(gateway, Line("a"));
        JsonElement made = await gateway.PostForJsonAsync(
            Path, Body(file, ""","metadata":{"a":"b"},"output_expires_after":{"anchor":"created_at","seconds":3600}"""));
        JsonElement batch = await WhenAsync(gateway, made.GetProperty("id").GetString()!, "completed");
        Assert.Equal("""{"a":"b"}""", batch.GetProperty("metadata").GetRawText());
        JsonElement output = Json(await gateway.Client.GetStringAsync($"/v1/files/{batch.GetProperty("output_file_id").GetString()}"));
        Assert.Equal(output.GetProperty("created_at").GetInt64() + 3600, output.GetProperty("expires_at").GetInt64());
    }

    // Security test 6.
    [Fact]
    public async Task Another_account_s_batch_is_as_one_that_is_not_there()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await CreateAsync(gateway, Line("a"));
        using var other = new HttpClient { BaseAddress = gateway.Url };
        NewApiKey key = await gateway.Keys.CreateAsync("other", "other", KeyScopes.Inference);
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        foreach (HttpResponseMessage response in (HttpResponseMessage[])[await other.GetAsync($"{Path}/{id}"), await other.PostAsync($"{Path}/{id}/cancel", null)])
            using (response)
                await ErrorAssert.IsErrorAsync(response, 404, null);
        Assert.Contains("\"data\":[]", await other.GetStringAsync(Path));
        string file = (await GetAsync(gateway, id)).GetProperty("input_file_id").GetString()!;
        using HttpResponseMessage taken = await other.PostAsync(Path, new StringContent(Body(file), Encoding.UTF8, "application/json"));
        await ErrorAssert.IsErrorAsync(taken, 400, "invalid_value");
    }

    [Fact]
    public async Task Batches_are_listed_newest_first_and_page_by_page()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var ids = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            ids.Add(await CreateAsync(gateway, Line("a")));
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        JsonElement page = Json(await gateway.Client.GetStringAsync($"{Path}?limit=2"));
        Assert.Equal([ids[2], ids[1]], page.GetProperty("data").EnumerateArray().Select(batch => batch.GetProperty("id").GetString()));
        Assert.True(page.GetProperty("has_more").GetBoolean());
        JsonElement rest = Json(await gateway.Client.GetStringAsync($"{Path}?after={ids[1]}"));
        Assert.Equal(ids[0], Assert.Single(rest.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
    }
}
