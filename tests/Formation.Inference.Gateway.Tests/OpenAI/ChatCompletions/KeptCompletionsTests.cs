using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Tests.OpenAI.ChatCompletions;

/// <summary>Chat completions that outlive their requests.</summary>
public class KeptCompletionsTests
{
    const string Path = "/v1/chat/completions";

    static JsonElement Json(string text) => JsonElement.Parse(text);

    static async Task<JsonElement> KeepAsync(TestGateway gateway, string more = "") =>
        await gateway.PostForJsonAsync(Path, TestGateway.Chat(""","store":true""" + more));

    static string IdOf(JsonElement completion) => completion.GetProperty("id").GetString()!;

    static async Task<JsonElement> GetAsync(TestGateway gateway, string path) => Json(await gateway.Client.GetStringAsync(path));

    static string WithoutMetadata(JsonElement kept) => JsonSerializer.Serialize(
        kept.EnumerateObject().Where(property => property.Name != "metadata").ToDictionary(property => property.Name, property => property.Value));

    [Fact]
    public async Task A_completion_is_given_again_as_it_was_with_its_metadata()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement said = await KeepAsync(gateway, ""","metadata":{"topic":"words"},"n":2,"logprobs":true""");
        JsonElement again = await GetAsync(gateway, $"{Path}/{IdOf(said)}");
        Assert.Equal("""{"topic":"words"}""", again.GetProperty("metadata").GetRawText());
        Assert.Equal(WithoutMetadata(said), WithoutMetadata(again));
        Assert.Equal("{}", (await GetAsync(gateway, $"{Path}/{IdOf(await KeepAsync(gateway))}")).GetProperty("metadata").GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","store":false""")]
    [InlineData(""","store":null,"metadata":{"a":"b"}""")]
    public async Task What_nobody_asked_to_keep_is_not_kept(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement said = await gateway.PostForJsonAsync(Path, TestGateway.Chat(more));
        using HttpResponseMessage missing = await gateway.Client.GetAsync($"{Path}/{IdOf(said)}");
        await ErrorAssert.IsErrorAsync(missing, 404, null);
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync(Path));
    }

    [Fact]
    public async Task A_streamed_completion_is_kept_as_its_pieces_said_with_the_ids_of_its_calls()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3) { ToolCalls = ToolCallSyntax.Default },
            new GenerationDelta(0, "Well.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []),
            new GenerationDelta(1, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []),
            new GenerationFinished(1, FinishReason.Stop, 9),
            new GenerationFinished(0, FinishReason.Stop, 9));
        string told = await gateway.PostForTextAsync(
            Path, TestGateway.Chat(""","store":true,"stream":true,"n":2,"tools":[{"type":"function","function":{"name":"f"}}]"""));
        JsonElement[] chunks = [.. told.Split("data: ", StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] == '{').Select(Json)];
        JsonElement kept = await GetAsync(gateway, $"{Path}/{IdOf(chunks[0])}");
        for (int choice = 0; choice < 2; choice++)
        {
            string[] streamed = [.. chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
                .Where(each => each.GetProperty("index").GetInt32() == choice && each.GetProperty("delta").TryGetProperty("tool_calls", out _))
                .SelectMany(each => each.GetProperty("delta").GetProperty("tool_calls").EnumerateArray())
                .Where(call => call.TryGetProperty("id", out _)).Select(IdOf)];
            JsonElement message = kept.GetProperty("choices")[choice].GetProperty("message");
            Assert.Equal(streamed, message.GetProperty("tool_calls").EnumerateArray().Select(IdOf));
            Assert.Equal("tool_calls", kept.GetProperty("choices")[choice].GetProperty("finish_reason").GetString());
        }

        Assert.Equal(18, kept.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal("chat.completion", kept.GetProperty("object").GetString());
    }

    [Fact]
    public async Task A_streamed_completion_that_failed_is_not_kept()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3), new GenerationDelta(0, "Well", []), Scripts.Failure(GenerationErrorKind.Internal));
        await gateway.PostForTextAsync(Path, TestGateway.Chat(""","store":true,"stream":true"""));
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync(Path));
    }

    [Fact]
    public async Task The_messages_are_listed_as_they_were_sent()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement said = await gateway.PostForJsonAsync(Path, """
            {"model":"tiny","store":true,"messages":[
             {"role":"system","content":"Be brief."},
             {"role":"user","content":[{"type":"text","text":"Hi"}],"name":"Ann"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"c","content":"42"}]}
            """);
        string id = IdOf(said), path = $"{Path}/{id}/messages";
        JsonElement list = await GetAsync(gateway, path);
        JsonElement[] messages = [.. list.GetProperty("data").EnumerateArray()];
        Assert.Equal([$"{id}-0", $"{id}-1", $"{id}-2", $"{id}-3"], messages.Select(IdOf));
        Assert.Equal(
            ($"{id}-0", $"{id}-3", false),
            (list.GetProperty("first_id").GetString(), list.GetProperty("last_id").GetString(), list.GetProperty("has_more").GetBoolean()));
        Assert.Equal("Be brief.", messages[0].GetProperty("content").GetString());
        Assert.Equal(("Ann", JsonValueKind.Null), (messages[1].GetProperty("name").GetString(), messages[1].GetProperty("content").ValueKind));
        Assert.Equal("Hi", messages[1].GetProperty("content_parts")[0].GetProperty("text").GetString());
        Assert.Equal("f", messages[2].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("name").GetString());
        Assert.Equal("c", messages[3].GetProperty("tool_call_id").GetString());

        JsonElement page = await GetAsync(gateway, $"{path}?order=desc&limit=2&after={id}-3");
        Assert.Equal([$"{id}-2", $"{id}-1"], page.GetProperty("data").EnumerateArray().Select(IdOf));
        Assert.True(page.GetProperty("has_more").GetBoolean());
        using HttpResponseMessage wrong = await gateway.Client.GetAsync($"{path}?after=x");
        Assert.Equal("after", (await ErrorAssert.IsErrorAsync(wrong, 400, "invalid_value")).GetProperty("param").GetString());
    }

    [Fact]
    public async Task Completions_are_listed_by_model_by_metadata_and_page_by_page()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var ids = new List<string>();
        foreach (string more in (string[])[
            ""","metadata":{"a":"1","b":"x y"}""", ""","metadata":{"a":"1"}""", ""","metadata":{"a":"2"}""", ""","model":"acme/big-1" """])
        {
            string body = more.Contains("model", StringComparison.Ordinal)
                ? """{"model":"acme/big-1","store":true,"messages":[{"role":"user","content":"Hi"}]}"""
                : TestGateway.Chat(""","store":true""" + more);
            ids.Add(IdOf(await gateway.PostForJsonAsync(Path, body)));
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await ListIs("", false, ids[0], ids[1], ids[2], ids[3]);
        await ListIs("?limit=2&order=desc", true, ids[3], ids[2]);
        await ListIs($"?limit=2&order=desc&after={ids[2]}", false, ids[1], ids[0]);
        await ListIs($"?after={ids[2]}", false, ids[3]);
        await ListIs("?model=acme/big-1", false, ids[3]);
        await ListIs("?metadata[a]=1&limit=1", true, ids[0]);
        await ListIs("?metadata[a]=1&metadata[b]=x%20y", false, ids[0]);
        await ListIs("?metadata[a]=1&model=acme/big-1", false);
        foreach ((string query, string param) in ((string, string)[])[
            ("?limit=0", "limit"), ("?limit=101", "limit"), ("?order=x", "order"), ("?after=x", "after"),
            ("?" + string.Join('&', Enumerable.Range(0, 17).Select(i => $"metadata[{i}]=x")), "metadata")])
        {
            using HttpResponseMessage refused = await gateway.Client.GetAsync(Path + query);
            Assert.Equal(param, Json(await refused.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("param").GetString());
        }

        async Task ListIs(string query, bool hasMore, params string[] expected)
        {
            JsonElement list = await GetAsync(gateway, Path + query);
            Assert.Equal(expected, list.GetProperty("data").EnumerateArray().Select(IdOf));
            Assert.Equal(hasMore, list.GetProperty("has_more").GetBoolean());
            Assert.Equal(expected.LastOrDefault(), list.GetProperty("last_id").GetString());
        }
    }

    [Fact]
    public async Task Metadata_is_changed_and_found_as_it_is_then()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = IdOf(await KeepAsync(gateway, ""","metadata":{"a":"1"}"""));
        JsonElement changed = await gateway.PostForJsonAsync($"{Path}/{id}", """{"metadata":{"a":"2"}}""");
        Assert.Equal("""{"a":"2"}""", changed.GetProperty("metadata").GetRawText());
        Assert.Contains("\"data\":[]", await gateway.Client.GetStringAsync($"{Path}?metadata[a]=1"));
        Assert.Contains(id, await gateway.Client.GetStringAsync($"{Path}?metadata[a]=2"));
        Assert.Equal("{}", (await gateway.PostForJsonAsync($"{Path}/{id}", """{"metadata":null}""")).GetProperty("metadata").GetRawText());
        foreach (string body in (string[])["{}", """{"metadata":5}""", """{"metadata":{"a":5}}"""])
        {
            using HttpResponseMessage refused = await gateway.PostAsync($"{Path}/{id}", body);
            Assert.StartsWith("metadata", Json(await refused.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("param").GetString());
        }

        using HttpResponseMessage missing = await gateway.PostAsync($"{Path}/chatcmpl-x", """{"metadata":{}}""");
        await ErrorAssert.IsErrorAsync(missing, 404, null);
    }

    [Fact]
    public async Task A_deleted_completion_is_gone_and_an_old_one_too()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        (string first, string second) = (IdOf(await KeepAsync(gateway)), IdOf(await KeepAsync(gateway)));
        using HttpResponseMessage deleted = await gateway.Client.DeleteAsync($"{Path}/{first}");
        Assert.Equal($$"""{"id":"{{first}}","object":"chat.completion.deleted","deleted":true}""", await deleted.Content.ReadAsStringAsync());
        using HttpResponseMessage again = await gateway.Client.DeleteAsync($"{Path}/{first}");
        await ErrorAssert.IsErrorAsync(again, 404, null);
        gateway.Clock.Advance(TimeSpan.FromDays(30));
        using HttpResponseMessage old = await gateway.Client.GetAsync($"{Path}/{second}");
        await ErrorAssert.IsErrorAsync(old, 404, null);
        ContentStore contents = gateway.App.Services.GetRequiredService<GatewayOptions>().Contents!;
        await contents.SweepAsync(CancellationToken.None);
        Assert.Null(await contents.Completions.FindAsync(ApiKeyStore.AdministratorAccountId, second, CancellationToken.None));
    }

    // Security test 6.
    [Fact]
    public async Task Another_account_s_completion_is_as_one_that_is_not_there()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = IdOf(await KeepAsync(gateway, ""","metadata":{"a":"1"}"""));
        using var other = new HttpClient { BaseAddress = gateway.Url };
        NewApiKey key = await gateway.Keys.CreateAsync("other", "other", KeyScopes.Inference);
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        foreach (HttpResponseMessage response in (HttpResponseMessage[])[
            await other.GetAsync($"{Path}/{id}"), await other.GetAsync($"{Path}/{id}/messages"), await other.DeleteAsync($"{Path}/{id}"),
            await other.PostAsync($"{Path}/{id}", new StringContent("""{"metadata":{}}""", Encoding.UTF8, "application/json"))])
            using (response)
                await ErrorAssert.IsErrorAsync(response, 404, null);
        Assert.Contains("\"data\":[]", await other.GetStringAsync(Path));
        Assert.Contains("\"data\":[]", await other.GetStringAsync($"{Path}?metadata[a]=1"));
        Assert.Equal("""{"a":"1"}""", (await GetAsync(gateway, $"{Path}/{id}")).GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task A_server_that_keeps_nothing_refuses_to_keep_and_says_so()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Contents = null });
        using HttpResponseMessage refused = await gateway.ChatAsync(""","store":true""");
        Assert.Equal("store", (await ErrorAssert.IsErrorAsync(refused, 400, "unsupported_value")).GetProperty("param").GetString());
        using HttpResponseMessage taken = await gateway.ChatAsync(""","store":false""");
        Assert.True(taken.IsSuccessStatusCode);
        foreach (string path in (string[])["", "/chatcmpl-1", "/chatcmpl-1/messages"])
        {
            using HttpResponseMessage missing = await gateway.Client.GetAsync(Path + path);
            await ErrorAssert.IsErrorAsync(missing, 404, "endpoint_not_available");
        }
    }
}
