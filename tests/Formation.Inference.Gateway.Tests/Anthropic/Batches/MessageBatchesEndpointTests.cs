using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Anthropic;
using Formation.Inference.Gateway.Anthropic.Batches;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Tests.Anthropic.Batches;

public class MessageBatchesEndpointTests
{
    const string Path = "/v1/messages/batches";

    static string Item(string id, string? parameters = null) => $$"""{"custom_id":"{{id}}","params":{{parameters ?? TestGateway.Messages()}}}""";

    static string Body(params string[] items) => $$"""{"requests":[{{string.Join(',', items)}}]}""";

    static JsonElement Json(string text) => JsonElement.Parse(text);

    static async Task<JsonElement> CreateAsync(TestGateway gateway, params string[] items) =>
        Json(await gateway.SendAnthropicForTextAsync(Path, Body(items)));

    static async Task<JsonElement> GetAsync(TestGateway gateway, JsonElement batch) =>
        Json(await gateway.SendAnthropicForTextAsync($"{Path}/{IdOf(batch)}"));

    static string IdOf(JsonElement batch) => batch.GetProperty("id").GetString()!;

    static async Task<JsonElement> WhenEndedAsync(TestGateway gateway, JsonElement batch)
    {
        await Eventually.TrueAsync(async () =>
        {
            batch = await GetAsync(gateway, batch);
            return batch.GetProperty("processing_status").GetString() == "ended";
        });
        return batch;
    }

    static async Task<JsonElement[]> ResultsAsync(TestGateway gateway, JsonElement batch) =>
        [.. (await gateway.SendAnthropicForTextAsync(batch.GetProperty("results_url").GetString()!)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Json(line))];

    static async Task<HttpResponseMessage> SendAsync(TestGateway gateway, HttpMethod method, string path, string key = TestGateway.OperatorKey)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("anthropic-version", "2026-10-21");
        request.Headers.Add("x-api-key", key);
        return await gateway.Anonymous.SendAsync(request);
    }

    [Theory]
    [InlineData("2023-06-01")]
    [InlineData("2026-10-21")]
    public async Task A_batch_answers_its_requests_as_messages_would(string version)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(
            Path, Body(Item("first"), Item("bad", TestGateway.Messages(""","temperature":9""")), Item("odd", "{\"model\":\r\n5}"), Item("last")), version);
        JsonElement made = Json(await response.Content.ReadAsStringAsync());
        Assert.Equal(
            ["id", "type", "processing_status", "request_counts", "ended_at", "created_at", "expires_at", "archived_at", "cancel_initiated_at", "results_url"],
            made.EnumerateObject().Select(property => property.Name));
        Assert.StartsWith("msgbatch_", IdOf(made));
        Assert.Equal(("message_batch", "in_progress"), (made.GetProperty("type").GetString(), made.GetProperty("processing_status").GetString()));
        Assert.Equal("""{"processing":4,"succeeded":0,"errored":0,"canceled":0,"expired":0}""", made.GetProperty("request_counts").GetRawText());
        Assert.Equal(TimeSpan.FromDays(1), made.GetProperty("expires_at").GetDateTimeOffset() - made.GetProperty("created_at").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, made.GetProperty("results_url").ValueKind);

        JsonElement batch = await WhenEndedAsync(gateway, made);
        Assert.Equal("""{"processing":0,"succeeded":2,"errored":2,"canceled":0,"expired":0}""", batch.GetProperty("request_counts").GetRawText());
        Assert.Equal(TestGateway.Now, batch.GetProperty("ended_at").GetDateTimeOffset());
        Assert.Equal($"{gateway.Url}v1/messages/batches/{IdOf(made)}/results", batch.GetProperty("results_url").GetString());
        JsonElement[] results = await ResultsAsync(gateway, batch);
        Assert.Equal(["first", "bad", "odd", "last"], results.Select(line => line.GetProperty("custom_id").GetString()));
        JsonElement good = results[0].GetProperty("result");
        Assert.Equal(["type", "message"], good.EnumerateObject().Select(property => property.Name));
        Assert.Equal("succeeded", good.GetProperty("type").GetString());
        Assert.Equal("Hello world", good.GetProperty("message").GetProperty("content")[0].GetProperty("text").GetString());
        JsonElement bad = results[1].GetProperty("result");
        Assert.Equal(["type", "error"], bad.EnumerateObject().Select(property => property.Name));
        Assert.Equal("errored", bad.GetProperty("type").GetString());
        Assert.Equal(("error", "invalid_request_error"), (bad.GetProperty("error").GetProperty("type").GetString(), bad.GetProperty("error").GetProperty("error").GetProperty("type").GetString()));
        Assert.StartsWith("req_", bad.GetProperty("error").GetProperty("request_id").GetString());
        Assert.Contains("'model'", results[2].GetProperty("result").GetProperty("error").GetProperty("error").GetProperty("message").GetString());
        Assert.All(gateway.Backend.Requests, request => Assert.Equal(ApiKeyStore.AdministratorAccountId, request.AccountId));
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("5", "expected an object")]
    [InlineData("{}", "'requests'")]
    [InlineData("""{"requests":[]}""", "'requests'")]
    [InlineData("""{"requests":null}""", "expected an array")]
    [InlineData("""{"requests":{}}""", "expected an array")]
    [InlineData("""{"requests":[5]}""", "'requests[0]'")]
    [InlineData("""{"requests":[GOOD],"requests":[]}""", "more than once")]
    [InlineData("""{"requests":[GOOD],"model":"tiny"}""", "model")]
    [InlineData("""{"requests":[GOOD]} x""", "not valid JSON")]
    [InlineData("""{"requests":[GOOD""", "not valid JSON")]
    [InlineData("""{"requests":[GOOD,{}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"b"}]}""", "'requests[1].params'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"b","params":[]}]}""", "'requests[1].params'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"b","params":{},"params":{}}]}""", "more than once")]
    [InlineData("""{"requests":[GOOD,{"custom_id":5,"params":{}}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"","params":{}}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"a b","params":{}}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"\ud800","params":{}}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","params":{}}]}""", "'requests[1].custom_id'")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"good","params":{}}]}""", "another request")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"b","method":"POST","params":{}}]}""", "requests[1].method")]
    [InlineData("""{"requests":[GOOD,{"custom_id":"b","params":{"\u0073tream":true}}]}""", "'requests[1].params.stream'")]
    public async Task A_body_at_fault_is_refused_by_name_and_leaves_nothing(string body, string told)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage refused = await gateway.SendAnthropicAsync(Path, body.Replace("GOOD", Item("good"), StringComparison.Ordinal));
        Assert.Contains(told, await ErrorAssert.IsAnthropicErrorAsync(refused, 400, "invalid_request_error"));
        Assert.Contains("\"data\":[]", await gateway.SendAnthropicForTextAsync(Path));
        ContentStore contents = gateway.App.Services.GetRequiredService<GatewayOptions>().Contents!;
        Assert.True(await contents.Files.HasRoomAsync(ApiKeyStore.AdministratorAccountId, 1L << 30, CancellationToken.None));
        Assert.Empty(gateway.Backend.Requests);
    }

    [Fact]
    public async Task What_is_too_large_is_refused_with_the_limit()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 2048, MaxFileBytes = 30_000 });
        string Large(int length) => TestGateway.Messages($",\"system\":\"{new string('x', length)}\"");
        using HttpResponseMessage one = await gateway.SendAnthropicAsync(Path, Body(Item("a"), Item("b", Large(2048))));
        string told = await ErrorAssert.IsAnthropicErrorAsync(one, 413, "request_too_large");
        Assert.Contains("'requests[1]'", told);
        Assert.Contains("2048", told);
        using HttpResponseMessage huge = await gateway.SendAnthropicAsync(Path, Body(Item("a", Large(20_000))));
        Assert.Contains("2048", await ErrorAssert.IsAnthropicErrorAsync(huge, 413, "request_too_large"));
        using HttpResponseMessage all = await gateway.SendAnthropicAsync(Path, Body([.. Enumerable.Range(0, 30).Select(i => Item($"i{i}", Large(1500)))]));
        Assert.Contains("30000", await ErrorAssert.IsAnthropicErrorAsync(all, 413, "request_too_large"));

        // So little that it is under way as a whole before the answer is: whoever still sends when the connection is closed may miss the answer.
        // The same without a length that is told beforehand.
        var unmeasured = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(Body([.. Enumerable.Range(0, 30).Select(i => Item($"i{i}", Large(1500)))]), Encoding.UTF8, "application/json") };
        unmeasured.Headers.TransferEncodingChunked = true;
        unmeasured.Headers.Add("anthropic-version", "2023-06-01");
        unmeasured.Headers.Add("x-api-key", TestGateway.OperatorKey);
        using HttpResponseMessage chunked = await gateway.Anonymous.SendAsync(unmeasured);
        Assert.Contains("30000", await ErrorAssert.IsAnthropicErrorAsync(chunked, 413, "request_too_large"));

        // A batch may be larger than a request may be.
        JsonElement taken = await CreateAsync(gateway, [.. Enumerable.Range(0, 10).Select(i => Item($"i{i}", Large(1500)))]);
        Assert.Equal(10, taken.GetProperty("request_counts").GetProperty("processing").GetInt32());
    }

    [Fact]
    public async Task A_canceled_batch_tells_what_was_done_and_what_was_not()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { BatchRequestsAtOnce = 1 }, realClock: true);
        gateway.Backend.Script = (request, token) => gateway.Backend.Requests.Count > 1
            ? Scripts.ThenWait(new GenerationStarted(1))(request, token)
            : Scripts.Words("Done")(request, token);
        JsonElement batch = await CreateAsync(gateway, Item("a"), Item("b"), Item("c"));
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Count == 2);
        Assert.Equal("""{"processing":3,"succeeded":0,"errored":0,"canceled":0,"expired":0}""", (await GetAsync(gateway, batch)).GetProperty("request_counts").GetRawText());
        using HttpResponseMessage early = await SendAsync(gateway, HttpMethod.Get, $"{Path}/{IdOf(batch)}/results");
        Assert.Contains("processing_status", await ErrorAssert.IsAnthropicErrorAsync(early, 404, "not_found_error"));
        using HttpResponseMessage kept = await SendAsync(gateway, HttpMethod.Delete, $"{Path}/{IdOf(batch)}");
        await ErrorAssert.IsAnthropicErrorAsync(kept, 400, "invalid_request_error");

        using HttpResponseMessage cancel = await SendAsync(gateway, HttpMethod.Post, $"{Path}/{IdOf(batch)}/cancel");
        JsonElement asked = Json(await cancel.Content.ReadAsStringAsync());
        Assert.Equal("canceling", asked.GetProperty("processing_status").GetString());
        Assert.Equal(JsonValueKind.String, asked.GetProperty("cancel_initiated_at").ValueKind);
        await gateway.Backend.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        batch = await WhenEndedAsync(gateway, batch);
        Assert.Equal("""{"processing":0,"succeeded":1,"errored":0,"canceled":2,"expired":0}""", batch.GetProperty("request_counts").GetRawText());
        Assert.Equal(asked.GetProperty("cancel_initiated_at").GetString(), batch.GetProperty("cancel_initiated_at").GetString());
        Assert.Equal(1, (await ResultsAsync(gateway, batch)).Count(line => line.GetProperty("result").GetProperty("type").GetString() == "succeeded"));
        Assert.Equal(2, (await ResultsAsync(gateway, batch)).Count(line => line.GetProperty("result").GetRawText() == """{"type":"canceled"}"""));
        using HttpResponseMessage again = await SendAsync(gateway, HttpMethod.Post, $"{Path}/{IdOf(batch)}/cancel");
        await ErrorAssert.IsAnthropicErrorAsync(again, 400, "invalid_request_error");
    }

    [Fact]
    public async Task A_batch_that_takes_longer_than_a_day_expires()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        JsonElement batch = await CreateAsync(gateway, Item("a"), Item("b"));
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Count == 2);
        gateway.Clock.Advance(TimeSpan.FromHours(24));
        batch = await WhenEndedAsync(gateway, batch);
        Assert.Equal("""{"processing":0,"succeeded":0,"errored":0,"canceled":0,"expired":2}""", batch.GetProperty("request_counts").GetRawText());
        Assert.All(await ResultsAsync(gateway, batch), line => Assert.Equal("""{"type":"expired"}""", line.GetProperty("result").GetRawText()));
    }

    [Fact]
    public async Task A_batch_that_another_gateway_left_is_gone_on_with_and_no_request_runs_again()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        ContentStore contents = gateway.App.Services.GetRequiredService<GatewayOptions>().Contents!;
        const string Account = ApiKeyStore.AdministratorAccountId;
        var file = new FileWriter(contents.Files, Account, "file-x");
        await file.WriteAsync(Encoding.UTF8.GetBytes($"a {TestGateway.Messages()}\nb {TestGateway.Messages(""","top_k":2""")}\n"), CancellationToken.None);
        await file.EndAsync("message_batch_requests", "x", TimeSpan.FromDays(30), CancellationToken.None, isHidden: true);
        var state = new MessageBatchState(
            new MessageBatch
            {
                Id = "msgbatch_x",
                ProcessingStatus = MessageBatch.InProgress,
                RequestCounts = new MessageBatchCounts(2, 0, 0, 0, 0),
                CreatedAt = MessageBatchState.Write(TestGateway.Now),
                ExpiresAt = MessageBatchState.Write(TestGateway.Now.AddDays(1)),
            },
            "2023-06-01", "file-x", null, null);
        var kept = new KeptBatch(
            "msgbatch_x", Account, "anthropic", TestGateway.Now, null, JsonSerializer.SerializeToUtf8Bytes(state, AnthropicJsonContext.Answers.MessageBatchState));
        Assert.True(await contents.Batches.TryAddAsync(kept, CancellationToken.None));
        Assert.NotNull(await contents.Batches.TryHoldAsync("another", new HashSet<string>(), CancellationToken.None));
        await contents.Batches.AddResultAsync(
            kept, new BatchResult(1, IsError: false, "{\"custom_id\":\"a\"}\n"u8.ToArray()), CancellationToken.None);

        gateway.Clock.Advance(TimeSpan.FromSeconds(31));
        JsonElement batch = await WhenEndedAsync(gateway, Json("""{"id":"msgbatch_x"}"""));
        Assert.Equal(2, Assert.Single(gateway.Backend.Requests).Sampling.TopK);
        Assert.Equal(["a", "b"], (await ResultsAsync(gateway, batch)).Select(line => line.GetProperty("custom_id").GetString()));
        // The requests go a moment after the end is told.
        await Eventually.TrueAsync(async () => await contents.Files.FindHiddenAsync(Account, "file-x", CancellationToken.None) is null);
    }

    [Fact]
    public async Task A_request_that_the_model_has_no_room_for_is_tried_again()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = (request, token) =>
            (gateway.Backend.Requests.Count == 1 ? Scripts.Events(Scripts.Failure(GenerationErrorKind.ModelUnavailable)) : Scripts.Words("Done"))(request, token);
        JsonElement batch = await CreateAsync(gateway, Item("a"));
        await Eventually.TrueAsync(() =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
            return gateway.Backend.Requests.Count == 2;
        });
        batch = await WhenEndedAsync(gateway, batch);
        Assert.Equal(1, batch.GetProperty("request_counts").GetProperty("succeeded").GetInt32());
    }

    [Fact]
    public async Task A_batch_s_files_are_seen_by_nobody_and_go_with_it()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenEndedAsync(gateway, await CreateAsync(gateway, Item("a")));
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync("/v1/files"));
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync("/v1/batches"));
        using HttpResponseMessage other = await gateway.Client.GetAsync($"/v1/batches/{IdOf(batch)}");
        await ErrorAssert.IsErrorAsync(other, 404, null);
        using HttpResponseMessage deleted = await SendAsync(gateway, HttpMethod.Delete, $"{Path}/{IdOf(batch)}");
        Assert.Equal($$"""{"id":"{{IdOf(batch)}}","type":"message_batch_deleted"}""", await deleted.Content.ReadAsStringAsync());
        foreach (string path in (string[])["", "/results"])
        {
            using HttpResponseMessage gone = await SendAsync(gateway, HttpMethod.Get, $"{Path}/{IdOf(batch)}{path}");
            await ErrorAssert.IsAnthropicErrorAsync(gone, 404, "not_found_error");
        }

        ContentStore contents = gateway.App.Services.GetRequiredService<GatewayOptions>().Contents!;
        Assert.True(await contents.Files.HasRoomAsync(ApiKeyStore.AdministratorAccountId, 1L << 30, CancellationToken.None));
    }

    // Security test 6.
    [Fact]
    public async Task Another_account_s_batch_is_as_one_that_is_not_there()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenEndedAsync(gateway, await CreateAsync(gateway, Item("a")));
        string key = (await gateway.Keys.CreateAsync("other", "other", KeyScopes.Inference)).Plaintext.Value;
        foreach ((HttpMethod method, string path) in ((HttpMethod, string)[])[
            (HttpMethod.Get, ""), (HttpMethod.Get, "/results"), (HttpMethod.Post, "/cancel"), (HttpMethod.Delete, "")])
        {
            using HttpResponseMessage response = await SendAsync(gateway, method, $"{Path}/{IdOf(batch)}{path}", key);
            await ErrorAssert.IsAnthropicErrorAsync(response, 404, "not_found_error");
        }

        using HttpResponseMessage list = await SendAsync(gateway, HttpMethod.Get, Path, key);
        Assert.Contains("\"data\":[]", await list.Content.ReadAsStringAsync());
        Assert.Single(await ResultsAsync(gateway, batch));
    }

    [Fact]
    public async Task Batches_are_listed_newest_first_and_page_by_page_in_both_directions()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var ids = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            ids.Insert(0, IdOf(await CreateAsync(gateway, Item("a"))));
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await PageIs("?limit=2", hasMore: true, ids[0], ids[1]);
        await PageIs($"?limit=2&after_id={ids[1]}", hasMore: false, ids[2], ids[3]);
        await PageIs($"?limit=2&before_id={ids[3]}", hasMore: true, ids[1], ids[2]);
        await PageIs($"?limit=9&before_id={ids[1]}", hasMore: false, ids[0]);
        foreach (string query in (string[])["?after_id=x", "?before_id=x", "?limit=0", "?limit=1001", "?limit=x", $"?after_id={ids[0]}&before_id={ids[1]}"])
        {
            using HttpResponseMessage refused = await gateway.SendAnthropicAsync(Path + query);
            await ErrorAssert.IsAnthropicErrorAsync(refused, 400, "invalid_request_error");
        }

        async Task PageIs(string query, bool hasMore, params string[] expected)
        {
            JsonElement page = Json(await gateway.SendAnthropicForTextAsync(Path + query));
            Assert.Equal(expected, page.GetProperty("data").EnumerateArray().Select(IdOf));
            Assert.Equal(
                (hasMore, expected[0], expected[^1]),
                (page.GetProperty("has_more").GetBoolean(), page.GetProperty("first_id").GetString(), page.GetProperty("last_id").GetString()));
        }
    }

    [Fact]
    public async Task A_server_that_keeps_nothing_has_no_batches_and_says_so()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Contents = null });
        foreach (string? body in (string?[])[Body(Item("a")), null])
        {
            using HttpResponseMessage refused = await gateway.SendAnthropicAsync(Path, body);
            Assert.Contains("keeps nothing", await ErrorAssert.IsAnthropicErrorAsync(refused, 404, "not_found_error"));
        }
    }

    [Fact]
    public async Task A_proxy_that_ends_TLS_gets_a_link_with_TLS()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement batch = await WhenEndedAsync(gateway, await CreateAsync(gateway, Item("a")));
        gateway.Client.DefaultRequestHeaders.Add("anthropic-version", "2026-10-21");
        gateway.Client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        gateway.Client.DefaultRequestHeaders.Host = "models.example";
        JsonElement seen = Json(await gateway.Client.GetStringAsync($"{Path}/{IdOf(batch)}"));
        Assert.Equal($"https://models.example/v1/messages/batches/{IdOf(batch)}/results", seen.GetProperty("results_url").GetString());
    }
}
