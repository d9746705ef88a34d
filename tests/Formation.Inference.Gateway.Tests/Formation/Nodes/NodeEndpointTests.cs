using System.Net.Http.Headers;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Nodes;

public class NodeEndpointTests
{
    const string Tokens = "/formation/v1/nodes/tokens";

    [Fact]
    public async Task The_list_has_every_node_with_what_it_said_of_itself()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches("nodes.json", await gateway.Client.GetStringAsync("/formation/v1/nodes"));
    }

    [Fact]
    public async Task A_node_is_found_drained_resumed_and_removed_by_its_name()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("online", JsonElement.Parse(await gateway.Client.GetStringAsync("/formation/v1/nodes/alpha")).GetProperty("state").GetString());
        Assert.True((await gateway.PostForJsonAsync("/formation/v1/nodes/alpha/drain", "")).GetProperty("draining").GetBoolean());
        Assert.False((await gateway.PostForJsonAsync("/formation/v1/nodes/alpha/resume", "")).GetProperty("draining").GetBoolean());
        using HttpResponseMessage removed = await gateway.Client.DeleteAsync("/formation/v1/nodes/alpha");
        Assert.True(JsonElement.Parse(await removed.Content.ReadAsStringAsync()).GetProperty("removed").GetBoolean());
        using HttpResponseMessage gone = await gateway.Client.GetAsync("/formation/v1/nodes/alpha");
        await ErrorAssert.IsErrorAsync(gone, 404, "node_not_found");
    }

    [Fact]
    public async Task The_gateways_are_listed_with_the_one_that_decides_and_the_one_that_answers()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement listed = JsonElement.Parse(await gateway.Client.GetStringAsync("/formation/v1/gateways")).GetProperty("data")[0];
        Assert.Equal(new string('c', 64), listed.GetProperty("pin").GetString());
        Assert.Equal("https://10.0.0.1:8081", listed.GetProperty("urls")[0].GetString());
        Assert.True(listed.GetProperty("answering").GetBoolean());
        Assert.False(listed.GetProperty("deciding").GetBoolean());
    }

    [Theory]
    [InlineData("GET", "/formation/v1/nodes/nobody")]
    [InlineData("GET", "/formation/v1/nodes/..%2f..%2fetc")]
    [InlineData("GET", "/formation/v1/nodes/tokens")]
    [InlineData("DELETE", "/formation/v1/nodes/nobody")]
    [InlineData("POST", "/formation/v1/nodes/nobody/drain")]
    [InlineData("POST", "/formation/v1/nodes/nobody/resume")]
    public async Task A_node_that_is_not_there_is_not_found(string method, string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        await ErrorAssert.IsErrorAsync(response, 404, "node_not_found");
    }

    [Fact]
    public async Task A_token_is_made_on_the_terms_that_were_asked_for_and_kept_by_no_cache()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(
            Tokens, """{"expires_in":600,"region":"eu-west","labels":{"disk":"fast"},"trusted":true}""");
        Assert.True(response.Headers.CacheControl!.NoStore);
        JsonElement token = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("fs_join_secret", token.GetProperty("token").GetString());
        Assert.Equal("https://10.0.0.1:8081", token.GetProperty("gateway").GetString());
        NodeInvitationTerms terms = Assert.Single(gateway.Nodes.Invited);
        Assert.Equal(TimeSpan.FromMinutes(10), terms.Lifetime);
        Assert.Equal("eu-west", terms.Region);
        Assert.Equal("fast", terms.Labels["disk"]);
        Assert.True(terms.IsTrusted);
        Assert.Equal("127.0.0.1", terms.ReachedAs);
        Assert.DoesNotContain(gateway.Logs.Lines, line => line.Contains("fs_join_secret"));
    }

    [Fact]
    public async Task Without_terms_a_token_is_good_for_an_hour_and_trusts_nobody()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await gateway.PostForTextAsync(Tokens, "{}");
        NodeInvitationTerms terms = Assert.Single(gateway.Nodes.Invited);
        Assert.Equal(TimeSpan.FromHours(1), terms.Lifetime);
        Assert.False(terms.IsTrusted);
        Assert.Null(terms.Region);
    }

    [Theory]
    [InlineData("""{"expires_in":0}""", "expires_in", "integer_below_min_value")]
    [InlineData("""{"expires_in":2592001}""", "expires_in", "integer_above_max_value")]
    [InlineData("""{"expires_in":"1h"}""", "expires_in", "invalid_type")]
    [InlineData("""{"region":"\u001b[2J"}""", "region", "invalid_value")]
    [InlineData("""{"region":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", "region", "string_above_max_length")]
    [InlineData("""{"labels":{"":"x"}}""", "labels", "invalid_value")]
    [InlineData("""{"labels":{"a b":"x"}}""", "labels", "invalid_value")]
    [InlineData("""{"labels":{"a":"\n"}}""", "labels.a", "invalid_value")]
    [InlineData("""{"labels":{"a":null}}""", "labels", "invalid_value")]
    [InlineData("""{"nonsense":1}""", "nonsense", "unknown_parameter")]
    public async Task Terms_that_can_not_be_are_refused_by_name(string body, string param, string code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.PostAsync(Tokens, body);
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 400, code);
        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Empty(gateway.Nodes.Invited);
    }

    [Fact]
    public async Task Events_can_be_read()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        JsonElement events = JsonElement.Parse(await gateway.Client.GetStringAsync("/formation/v1/events"));
        Assert.Equal("connected from 10.0.0.2:4711", events.GetProperty("data")[0].GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData(KeyScopes.Inference, false)]
    [InlineData(KeyScopes.KeysAdmin, false)]
    [InlineData(KeyScopes.NodeOperate, true)]
    public async Task Only_a_key_that_may_operate_nodes_sees_them(KeyScopes scopes, bool may)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey key = await gateway.Keys.CreateAsync("test", "acme", scopes);
        gateway.Anonymous.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        using HttpResponseMessage response = await gateway.Anonymous.GetAsync("/formation/v1/nodes");
        if (may)
            Assert.True(response.IsSuccessStatusCode);
        else
            await ErrorAssert.IsErrorAsync(response, 403, "insufficient_permissions");
    }

    [Fact]
    public async Task Without_a_control_plane_there_are_no_such_routes()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { Nodes = null });
        using HttpResponseMessage response = await gateway.Client.GetAsync("/formation/v1/nodes");
        await ErrorAssert.IsErrorAsync(response, 404, "unknown_url");
    }
}
