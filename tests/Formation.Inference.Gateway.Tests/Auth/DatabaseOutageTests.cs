using System.Net.Http.Headers;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Gateway.Tests.Auth;

public class DatabaseOutageTests
{
    [Fact]
    public async Task A_key_that_nobody_can_check_is_answered_503_and_not_401()
    {
        using var server = new PostgresServer();
        using PostgresTestDatabase database = server.CreateDatabase();
        await using TestGateway gateway = await TestGateway.StartAsync(database: database.Open());
        NewApiKey known = await gateway.Keys.CreateAsync("known", "acct", KeyScopes.Inference);
        NewApiKey unknown = await gateway.Keys.CreateAsync("unknown", "acct", KeyScopes.Inference);
        using (HttpResponseMessage before = await SendAsync(gateway, known))
            Assert.True(before.IsSuccessStatusCode);

        server.Stop();
        gateway.Clock.Advance(TimeSpan.FromSeconds(10));
        using (HttpResponseMessage accepted = await SendAsync(gateway, known))
            Assert.True(accepted.IsSuccessStatusCode);
        using (HttpResponseMessage refused = await SendAsync(gateway, unknown))
        {
            await ErrorAssert.IsErrorAsync(refused, 503, "database_unavailable", "server_error");
            Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter!.Delta);
        }

        server.StartAgain();
        await Eventually.TrueAsync(async () =>
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(2));
            using HttpResponseMessage after = await SendAsync(gateway, unknown);
            return after.IsSuccessStatusCode;
        });
    }

    static Task<HttpResponseMessage> SendAsync(TestGateway gateway, NewApiKey key)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key.Plaintext.Value);
        return gateway.Anonymous.SendAsync(request);
    }
}
