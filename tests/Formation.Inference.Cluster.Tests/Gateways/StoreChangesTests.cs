using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Tests.Deployments;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Storage;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Gateways;

public sealed class StoreChangesTests(PostgresServer server) : IDisposable
{
    private static readonly DateTimeOffset Now = Certificates.Now;

    private readonly PostgresTestDatabase _database = server.CreateDatabase();
    private int _heard;

    private static NodeRecord Node { get; } = new(TestRegistry.Pin("a"), "a", "", new SortedDictionary<string, string>(StringComparer.Ordinal), false, Now);

    [Fact]
    public async Task Another_gateway_learns_of_everything_that_is_written()
    {
        var here = _database.Open();
        var (nodes, deployments, gateways, log) = (NodeStore.Open(here), DeploymentStore.Open(here), GatewayStore.Open(here), DecisionLog.Open(here));
        await using var changes = await ListenAsync(_database.Open());

        await Heard(() => nodes.Add(new StoredToken("t", [1], AdmissionTerms.Default, Now.AddHours(1), null), Now));
        await Heard(() => nodes.Admit("t", Node));
        await Heard(() => nodes.AdmitOwn(Node with { Name = "b" }));
        await Heard(() => nodes.SetDraining(Node.Pin, true));
        await Heard(() => nodes.Remove(Node.Pin, Now));
        await Heard(() => deployments.TrySave(DeploymentStoreConformance.Deployment("m"), 0));
        var version = 0L;
        await Heard(() => version = deployments.TrySave(DeploymentStoreConformance.Deployment("n"), 0)!.Value);
        await Heard(() => deployments.TrySave(DeploymentStoreConformance.Deployment("n"), version));
        await Heard(() => deployments.Remove("m"));
        await Heard(() => gateways.Announce(new KnownGateway(TestRegistry.Pin("g"), [])));
        await Heard(() => gateways.Announce(new KnownGateway(TestRegistry.Pin("g"), ["https://10.0.0.1:8081"])));
        await Heard(() => gateways.Withdraw(TestRegistry.Pin("g")));
        await Heard(() => log.Add("a", "joined", ""));
    }

    [Fact]
    public async Task What_a_gateway_wrote_itself_or_what_came_to_nothing_is_no_news()
    {
        var (here, there) = (_database.Open(), _database.Open());
        var (own, other) = (DeploymentStore.Open(here), DeploymentStore.Open(there));
        await using var changes = await ListenAsync(here);

        own.TrySave(DeploymentStoreConformance.Deployment("m"), 0);
        Assert.Null(other.TrySave(DeploymentStoreConformance.Deployment("m"), 0));
        Assert.False(NodeStore.Open(there).Admit("no such token", Node));
        GatewayStore.Open(there).Announce(new KnownGateway(TestRegistry.Pin("g"), []));
        await Eventually.TrueAsync(() => Volatile.Read(ref _heard) == 2);
        GatewayStore.Open(there).Announce(new KnownGateway(TestRegistry.Pin("g"), []));
        other.Remove("m");
        await Eventually.TrueAsync(() => Volatile.Read(ref _heard) == 3);
        Assert.Equal(3, _heard);
    }

    [Fact]
    public async Task After_a_lost_connection_it_listens_again_and_says_that_something_may_have_been_missed()
    {
        var there = _database.Open();
        var store = DeploymentStore.Open(there);
        await using var changes = await ListenAsync(_database.Open());

        await Heard(() => there.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"));
        await Heard(() => store.TrySave(DeploymentStoreConformance.Deployment("m"), 0));
    }

    [Fact]
    public async Task A_server_that_was_stopped_and_started_is_listened_to_again()
    {
        using var restarted = new PostgresServer();
        using var database = restarted.CreateDatabase();
        var (here, there) = (database.Open(), database.Open());
        var store = DeploymentStore.Open(there);
        store.TrySave(DeploymentStoreConformance.Deployment("m"), 0);
        await using var changes = await ListenAsync(here);

        restarted.Stop();
        Assert.Throws<StorageException>(() => store.Load());
        restarted.StartAgain();
        await Eventually.TrueAsync(() => Volatile.Read(ref _heard) == 2);

        Assert.Single(store.Load());
        await Heard(() => store.Remove("m"));
    }

    [Fact]
    public async Task Where_nobody_else_can_have_the_database_there_is_no_news()
    {
        using var database = new SqliteTestDatabase();
        var (here, there) = (database.Open(), database.Open());
        await using (var changes = new StoreChanges(here, TimeProvider.System))
        {
            changes.Changed += () => _heard++;
            changes.Start();
            DeploymentStore.Open(there).TrySave(DeploymentStoreConformance.Deployment("m"), 0);
        }
        Assert.Equal(0, _heard);
    }

    public void Dispose() => _database.Dispose();

    private async Task<StoreChanges> ListenAsync(Database database)
    {
        var changes = new StoreChanges(database, TimeProvider.System);
        changes.Changed += () => Interlocked.Increment(ref _heard);
        changes.Start();
        // It listens from its first word on.
        await Eventually.TrueAsync(() => Volatile.Read(ref _heard) == 1);
        return changes;
    }

    private async Task Heard(Action write)
    {
        var before = Volatile.Read(ref _heard);
        write();
        await Eventually.TrueAsync(() => Volatile.Read(ref _heard) > before);
    }
}
