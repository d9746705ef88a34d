using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>What the store of gateways promises, on every engine.</summary>
public abstract class GatewayStoreConformance(TimedDatabase database) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    [Fact]
    public void Gateways_that_live_are_listed_by_their_pins()
    {
        var (here, there) = (Open(), Open());
        here.Announce(Gateway("a", "https://10.0.0.1:8081", "https://[fd00::1]:8081"));
        there.Announce(Gateway("b"));
        there.Announce(Gateway("c", "https://c.example:8081"));

        var listed = here.List(Patience);

        Assert.Equal(
            new[] { "a", "b", "c" }.Select(name => TestRegistry.Pin(name).Text).Order(StringComparer.Ordinal), listed.Select(gateway => gateway.Gateway.Pin.Text));
        Assert.Equal(["https://10.0.0.1:8081", "https://[fd00::1]:8081"], listed.Single(gateway => gateway.Gateway.Pin == TestRegistry.Pin("a")).Gateway.Urls);
        Assert.Empty(listed.Single(gateway => gateway.Gateway.Pin == TestRegistry.Pin("b")).Gateway.Urls);
    }

    [Fact]
    public void One_that_falls_silent_is_listed_no_more_until_it_speaks_again()
    {
        var store = Open();
        store.Announce(Gateway("a"));
        store.Announce(Gateway("b"));
        database.Pass(Patience - TimeSpan.FromSeconds(5));
        store.Announce(Gateway("b"));
        database.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(TestRegistry.Pin("b"), Assert.Single(store.List(Patience)).Gateway.Pin);

        store.Announce(Gateway("a"));
        Assert.Equal(2, store.List(Patience).Count);
    }

    [Fact]
    public void The_last_urls_of_a_gateway_are_its_urls()
    {
        var store = Open();
        store.Announce(Gateway("a", "https://10.0.0.1:8081"));
        store.Announce(Gateway("a", "https://10.0.0.2:8081"));
        Assert.Equal(["https://10.0.0.2:8081"], Assert.Single(Open().List(Patience)).Gateway.Urls);
    }

    [Fact]
    public void One_that_ends_in_order_is_gone_at_once()
    {
        var store = Open();
        store.Announce(Gateway("a"));
        store.Withdraw(TestRegistry.Pin("a"));
        store.Withdraw(TestRegistry.Pin("never-there"));
        Assert.Empty(store.List(Patience));
    }

    [Fact]
    public void One_that_was_silent_for_long_is_forgotten_when_another_speaks()
    {
        var store = Open();
        store.Announce(Gateway("a"));
        database.Pass(GatewayStore.ForgottenAfter + TimeSpan.FromMinutes(1));
        Assert.Single(store.List(TimeSpan.FromDays(30)));
        store.Announce(Gateway("b"));
        Assert.Equal(TestRegistry.Pin("b"), Assert.Single(store.List(TimeSpan.FromDays(30))).Gateway.Pin);
    }

    [Fact]
    public async Task Many_gateways_announce_themselves_at_once()
    {
        await Contention.RunAsync(8, Open, (store, i) =>
        {
            for (var round = 0; round < 10; round++)
                store.Announce(Gateway($"{i / 2}", $"https://10.0.0.{round}:8081"));
            return true;
        });
        Assert.Equal(4, Open().List(Patience).Count);
    }

    public void Dispose() => database.Dispose();

    private static KnownGateway Gateway(string key, params string[] urls) => new(TestRegistry.Pin(key), urls);

    private GatewayStore Open() => GatewayStore.Open(database.Open());
}

public sealed class GatewayStoreOnSqliteTests() : GatewayStoreConformance(TimedDatabase.Sqlite());

// The server's clock is nobody's to move; what it wrote is.
public sealed class GatewayStoreOnPostgresTests(PostgresServer server) : GatewayStoreConformance(TimedDatabase.Postgres(server, "UPDATE gateways SET seen = seen - @time"));
