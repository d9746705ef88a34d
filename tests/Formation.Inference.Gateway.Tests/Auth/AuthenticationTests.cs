using System.Net.Http.Headers;
using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Auth;

public class AuthenticationTests
{
    static HttpRequestMessage Models(params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    [Theory]
    [InlineData("Authorization", "Bearer KEY")]
    [InlineData("Authorization", "bearer KEY")]
    [InlineData("X-API-Key", "KEY")]
    public async Task A_valid_key_is_accepted_in_either_header(string header, string value)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey key = await gateway.Keys.CreateAsync("test", "acct", KeyScopes.Inference);
        using HttpResponseMessage response = await gateway.Anonymous.SendAsync(
            Models((header, value.Replace("KEY", key.Plaintext.Value))));
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_accounts_id_reaches_the_backend()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey key = await gateway.Keys.CreateAsync("test", "acct-7", KeyScopes.Chat);
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        using HttpResponseMessage response = await gateway.ChatAsync();
        Assert.Equal("acct-7", gateway.Backend.Requests.Single().AccountId);
    }

    [Fact]
    public async Task Unknown_wrong_revoked_and_expired_keys_get_one_and_the_same_answer()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey revoked = await gateway.Keys.CreateAsync("r", "acct", KeyScopes.Inference);
        await gateway.Keys.RevokeAsync(revoked.Key.Id);
        NewApiKey expired = await gateway.Keys.CreateAsync("e", "acct", KeyScopes.Inference, TestGateway.Now);
        string good = (await gateway.Keys.CreateAsync("g", "acct", KeyScopes.Inference)).Plaintext.Value;
        string[] keys =
        [
            revoked.Plaintext.Value, expired.Plaintext.Value, good[..^1] + (good[^1] == 'a' ? 'b' : 'a'), good[..^1], "nonsense", new string('k', 600),
        ];
        var bodies = new HashSet<string>();
        foreach (string key in keys)
        {
            using HttpResponseMessage response = await gateway.Anonymous.SendAsync(Models(("Authorization", $"Bearer {key}")));
            await ErrorAssert.IsErrorAsync(response, 401, "invalid_api_key");
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
            bodies.Add(await response.Content.ReadAsStringAsync());
        }

        Assert.Single(bodies);
    }

    [Theory]
    [InlineData("Authorization", "")]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("Authorization", "Basic dXNlcjpwYXNz")]
    [InlineData("Authorization", "operator-key-0123456789")]
    [InlineData("X-API-Key", "")]
    public async Task A_header_without_a_key_counts_as_none(string header, string value)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.Anonymous.SendAsync(Models((header, value)));
        JsonElement error = await ErrorAssert.IsErrorAsync(response, 401, null);
        Assert.Contains("Authorization: Bearer", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Two_different_keys_are_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        (string, string) bearer = ("Authorization", $"Bearer {TestGateway.OperatorKey}");
        using HttpResponseMessage two = await gateway.Anonymous.SendAsync(Models(bearer, ("X-API-Key", "another-key")));
        await ErrorAssert.IsErrorAsync(two, 400, "invalid_api_key");
        using HttpResponseMessage same = await gateway.Anonymous.SendAsync(Models(bearer, ("X-API-Key", TestGateway.OperatorKey)));
        Assert.True(same.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("api_key")]
    [InlineData("key")]
    [InlineData("access_token")]
    public async Task A_key_in_the_URL_is_refused_even_beside_a_good_header(string name)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.Client.GetAsync($"/v1/models?{name}={TestGateway.OperatorKey}");
        await ErrorAssert.IsErrorAsync(response, 401, "invalid_api_key");
        Assert.DoesNotContain(gateway.Logs.Lines.Where(line => line.Contains("Formation")), line => line.Contains(TestGateway.OperatorKey));
    }

    [Theory]
    [InlineData("X-Forwarded-For", "127.0.0.1")]
    [InlineData("Forwarded", "for=127.0.0.1")]
    [InlineData("X-Real-IP", "127.0.0.1")]
    public async Task Nothing_but_a_key_opens_a_route_not_even_on_loopback(string header, string value)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.Anonymous.SendAsync(Models((header, value)));
        await ErrorAssert.IsErrorAsync(response, 401, null);
    }

    [Fact]
    public async Task A_key_without_the_scope_is_forbidden()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        NewApiKey key = await gateway.Keys.CreateAsync("reader", "acct", KeyScopes.ModelsRead);
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        Assert.True((await gateway.Client.GetAsync("/v1/models")).IsSuccessStatusCode);
        JsonElement error = await ErrorAssert.IsErrorAsync(await gateway.ChatAsync(), 403, "insufficient_permissions");
        Assert.Contains("Chat", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Without_authentication_everybody_is_one_account()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            options => options with { Authentication = new GatewayAuthentication.Anonymous() });
        using HttpResponseMessage response = await gateway.Anonymous.PostAsync(
            "/v1/chat/completions", new StringContent(TestGateway.Chat(), null, "application/json"));
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal("anonymous", gateway.Backend.Requests.Single().AccountId);
    }
}
