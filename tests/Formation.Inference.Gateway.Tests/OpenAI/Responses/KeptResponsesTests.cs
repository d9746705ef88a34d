using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Telemetry;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Responses that outlive their requests.</summary>
public class KeptResponsesTests
{
    const string Path = "/v1/responses";

    static async Task<string> IdAsync(TestGateway gateway, string more = "", string input = "\"Hi\"") =>
        (await gateway.PostForJsonAsync(Path, TestGateway.Respond(more, input))).GetProperty("id").GetString()!;

    static string[] Asked(TestGateway gateway) =>
        [.. ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages.Select(message => $"{message.Role}: {message.Content?.Value}")];

    static async Task<JsonElement> GetAsync(TestGateway gateway, string path)
    {
        string text = await gateway.Client.GetStringAsync(path);
        return JsonElement.Parse(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task A_response_is_given_again_as_it_was(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string said = await gateway.PostForTextAsync(Path, TestGateway.Respond(more));
        string whole = more.Length == 0 ? said : JsonElement.Parse(said.Split("data: ")[^1]).GetProperty("response").GetRawText();
        using HttpResponseMessage again = await gateway.Client.GetAsync($"{Path}/{JsonElement.Parse(whole).GetProperty("id").GetString()}");
        Assert.Equal("application/json", again.Content.Headers.ContentType!.MediaType);
        Assert.Equal(whole, await again.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_conversation_goes_on_over_several_responses_without_the_earlier_instructions()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string first = await IdAsync(gateway, ""","instructions":"One." """);
        string second = await IdAsync(gateway, $",\"previous_response_id\":\"{first}\"", "\"And?\"");
        JsonElement third = await gateway.PostForJsonAsync(Path, TestGateway.Respond($",\"instructions\":\"Three.\",\"previous_response_id\":\"{second}\"", "\"So?\""));
        Assert.Equal(second, third.GetProperty("previous_response_id").GetString());
        Assert.Equal(["system: Three.", "user: Hi", "assistant: Hello world", "user: And?", "assistant: Hello world", "user: So?"], Asked(gateway));

        // Two may go on from the same one.
        await IdAsync(gateway, $",\"previous_response_id\":\"{first}\"", "\"Or?\"");
        Assert.Equal(["user: Hi", "assistant: Hello world", "user: Or?"], Asked(gateway));
    }

    [Fact]
    public async Task A_call_of_a_kept_response_is_answered_by_its_id()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3) { ToolCalls = ToolCallSyntax.Default },
            new GenerationDelta(0, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", []),
            new GenerationFinished(0, FinishReason.Stop, 9));
        JsonElement called = await gateway.PostForJsonAsync(Path, TestGateway.Respond(""","tools":[{"type":"function","name":"f"}]"""));
        gateway.Backend.Script = Scripts.Words("Done");
        string call = called.GetProperty("output")[0].GetProperty("call_id").GetString()!;
        await IdAsync(gateway, $",\"previous_response_id\":\"{called.GetProperty("id").GetString()}\"", $$"""[{"type":"function_call_output","call_id":"{{call}}","output":"42"}]""");
        ChatMessage[] asked = [.. ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages];
        Assert.Equal(["user", "assistant", "tool"], asked.Select(message => message.Role));
        Assert.Equal(call, asked[1].ToolCalls!.Value[0].GetProperty("id").GetString());
        Assert.Equal((call, "42"), (asked[2].ToolCallId, asked[2].Content!.Value.Value));
    }

    [Fact]
    public async Task Items_of_kept_responses_may_be_named_instead_of_sent()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement first = await gateway.PostForJsonAsync(Path, TestGateway.Respond());
        string item = first.GetProperty("output")[0].GetProperty("id").GetString()!;
        string second = await IdAsync(gateway, "", $$"""[{"role":"user","content":"Hi"},{"type":"item_reference","id":"{{item}}"},{"role":"user","content":"And?"}]""");
        Assert.Equal(["user: Hi", "assistant: Hello world", "user: And?"], Asked(gateway));

        // What was named is kept with who named it.
        using (await gateway.Client.DeleteAsync($"{Path}/{first.GetProperty("id").GetString()}")) { }
        await IdAsync(gateway, $",\"previous_response_id\":\"{second}\"", "\"So?\"");
        Assert.Equal(5, Asked(gateway).Length);
    }

    [Fact]
    public async Task Input_items_are_listed_in_either_order_and_page_by_page()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await IdAsync(gateway, "", """[{"role":"user","content":"a"},{"role":"assistant","content":"b","id":"msg_mine"},{"role":"user","content":[{"type":"input_text","text":"c"}]}]""");
        JsonElement all = await GetAsync(gateway, $"{Path}/{id}/input_items");
        Assert.Equal("list", all.GetProperty("object").GetString());
        Assert.Equal(["c", "b", "a"], Texts(all));
        Assert.False(all.GetProperty("has_more").GetBoolean());
        Assert.Equal(["a", "b", "c"], Texts(await GetAsync(gateway, $"{Path}/{id}/input_items?order=asc")));

        JsonElement page = await GetAsync(gateway, $"{Path}/{id}/input_items?order=asc&limit=2");
        Assert.Equal(["a", "b"], Texts(page));
        Assert.True(page.GetProperty("has_more").GetBoolean());
        Assert.Equal("msg_mine", page.GetProperty("last_id").GetString());
        JsonElement rest = await GetAsync(gateway, $"{Path}/{id}/input_items?order=asc&after=msg_mine");
        Assert.Equal(["c"], Texts(rest));
        Assert.Equal(rest.GetProperty("first_id").GetString(), rest.GetProperty("data")[0].GetProperty("id").GetString());

        foreach ((string query, string param) in new[] { ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=none", "after") })
        {
            using HttpResponseMessage refused = await gateway.Client.GetAsync($"{Path}/{id}/input_items?{query}");
            Assert.Equal(400, (int)refused.StatusCode);
            Assert.Equal(param, JsonElement.Parse(await refused.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("param").GetString());
        }

        static IEnumerable<string?> Texts(JsonElement list) =>
            list.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_deleted_response_is_gone_and_a_conversation_begins_behind_it()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string first = await IdAsync(gateway);
        string second = await IdAsync(gateway, $",\"previous_response_id\":\"{first}\"", "\"And?\"");
        using (HttpResponseMessage deleted = await gateway.Client.DeleteAsync($"{Path}/{first}"))
            Assert.Equal($$"""{"id":"{{first}}","object":"response","deleted":true}""", await deleted.Content.ReadAsStringAsync());
        await NoneAsync(gateway.Client, first);
        await IdAsync(gateway, $",\"previous_response_id\":\"{second}\"", "\"So?\"");
        Assert.Equal(["user: And?", "assistant: Hello world", "user: So?"], Asked(gateway));
    }

    // Security test 6.
    [Fact]
    public async Task Another_account_s_response_is_as_one_that_is_not_there()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement made = await gateway.PostForJsonAsync(Path, TestGateway.Respond());
        string id = made.GetProperty("id").GetString()!;
        NewApiKey key = await gateway.Keys.CreateAsync("other", "other", KeyScopes.Inference);
        using var other = new HttpClient { BaseAddress = gateway.Url };
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        await NoneAsync(other, id);
        foreach (string body in (string[])
            [TestGateway.Respond($",\"previous_response_id\":\"{id}\""), TestGateway.Respond("", $$"""[{"type":"item_reference","id":"{{made.GetProperty("output")[0].GetProperty("id").GetString()}}"}]""")])
        {
            using HttpResponseMessage response = await other.PostAsync(Path, new StringContent(body, Encoding.UTF8, "application/json"));
            Assert.Equal(400, (int)response.StatusCode);
            Assert.Contains("not found", await response.Content.ReadAsStringAsync());
        }

        using HttpResponseMessage own = await gateway.Client.GetAsync($"{Path}/{id}");
        Assert.True(own.IsSuccessStatusCode);
        using var noChat = new HttpClient { BaseAddress = gateway.Url };
        noChat.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", (await gateway.Keys.CreateAsync("models", ApiKeyStore.AdministratorAccountId, KeyScopes.ModelsRead)).Plaintext.Value);
        using HttpResponseMessage refused = await noChat.GetAsync($"{Path}/{id}");
        await ErrorAssert.IsErrorAsync(refused, 403, "insufficient_permissions");
    }

    [Fact]
    public void Ids_cannot_be_guessed()
    {
        string[] ids = [.. Enumerable.Range(0, 100).Select(_ => RequestIds.Random.Create())];
        Assert.Equal(100, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal(32, id.Length));
    }

    [Fact]
    public async Task A_response_is_kept_for_thirty_days_and_not_a_moment_longer()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await IdAsync(gateway);
        gateway.Clock.Advance(ContentStore.ResponseLifetime - TimeSpan.FromMilliseconds(1));
        using (HttpResponseMessage there = await gateway.Client.GetAsync($"{Path}/{id}"))
            Assert.True(there.IsSuccessStatusCode);
        gateway.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await NoneAsync(gateway.Client, id);
    }

    [Fact]
    public async Task Who_wants_nothing_kept_finds_nothing()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement response = await gateway.PostForJsonAsync(Path, TestGateway.Respond(""","store":false"""));
        Assert.False(response.GetProperty("store").GetBoolean());
        await NoneAsync(gateway.Client, response.GetProperty("id").GetString()!);
    }

    [Fact]
    public async Task A_server_that_keeps_nothing_says_so()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Contents = null });
        JsonElement response = await gateway.PostForJsonAsync(Path, TestGateway.Respond());
        Assert.False(response.GetProperty("store").GetBoolean());
        await NoneAsync(gateway.Client, response.GetProperty("id").GetString()!);
        using HttpResponseMessage store = await gateway.PostAsync(Path, TestGateway.Respond(""","store":true"""));
        Assert.Equal("store", (await ErrorAssert.IsErrorAsync(store, 400, "unsupported_value")).GetProperty("param").GetString());
        using HttpResponseMessage previous = await gateway.PostAsync(Path, TestGateway.Respond(""","previous_response_id":"resp_1" """));
        Assert.Equal("previous_response_id", (await ErrorAssert.IsErrorAsync(previous, 400, "unsupported_parameter")).GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_conversation_that_has_grown_too_long_is_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxRequestBodyBytes = 2048 });
        string text = new('x', 1500);
        string first = await IdAsync(gateway, "", $"\"{text}\"");
        string second = await IdAsync(gateway, $",\"previous_response_id\":\"{first}\"", $"\"{text}\"");
        using HttpResponseMessage refused = await gateway.PostAsync(Path, TestGateway.Respond($",\"previous_response_id\":\"{second}\""));
        JsonElement error = await ErrorAssert.IsErrorAsync(refused, 400, "invalid_value");
        Assert.Contains("2048", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Only_a_response_in_the_background_could_be_cancelled_or_streamed_later()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await IdAsync(gateway);
        using HttpResponseMessage cancelled = await gateway.PostAsync($"{Path}/{id}/cancel", "");
        await ErrorAssert.IsErrorAsync(cancelled, 400, "invalid_value");
        using HttpResponseMessage streamed = await gateway.Client.GetAsync($"{Path}/{id}?stream=true");
        await ErrorAssert.IsErrorAsync(streamed, 400, "unsupported_value");
    }

    static async Task NoneAsync(HttpClient client, string id)
    {
        foreach ((HttpMethod method, string path) in new[]
        {
            (HttpMethod.Get, id), (HttpMethod.Get, $"{id}/input_items"), (HttpMethod.Post, $"{id}/cancel"), (HttpMethod.Delete, id),
        })
        {
            using HttpResponseMessage response = await client.SendAsync(new HttpRequestMessage(method, $"{Path}/{path}"));
            await ErrorAssert.IsErrorAsync(response, 404, null);
        }
    }
}
