using System.Text.Json.Nodes;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>What demand changes of a deployment where it reaches another gateway than the one that decides: real processes on one PostgreSQL.</summary>
public sealed class AdaptingOverGatewaysTests(ITestOutputHelper output) : IDisposable
{
    private readonly PostgresServer _server = new();

    [Fact]
    public async Task A_model_that_one_gateway_put_to_sleep_is_woken_by_a_request_to_another_one()
    {
        using var database = _server.CreateDatabase();
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 2, alike: true, database: database.ConnectionString, gateways: 2);
        await cluster.DeployAsync("--stages", "2", "--replicas", "1-2", "--idle", "2s");
        var request = AskedCompletion.Request(1, tokens: 40);
        var awake = (await AskAsync(cluster.Clients[0], request)).Said;

        // The first gateway leads; the second one hears of it.
        await SleepAsync();
        Assert.Equal(awake, (await AskAsync(cluster.Clients[1], request)).Said);
        Assert.Contains("a request came for it", await cluster.EventsAsync());

        // Many at the same moment, through both.
        await SleepAsync();
        var many = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => AskAsync(cluster.Clients[i % 2], request)));
        Assert.All(many, answer => Assert.Equal(awake, answer.Said));

        // The one that put it to sleep is gone.
        await SleepAsync();
        await cluster.KillGatewayAsync(0);
        Assert.Equal(awake, (await AskAsync(cluster.Clients[1], request)).Said);

        async Task SleepAsync()
        {
            await Eventually.TrueAsync(async () => (await ClusterProcesses.DeploymentAsync(cluster.Clients[1])).GetProperty("state").GetString() == "idle");
            await Eventually.TrueAsync(() => cluster.Nodes.Values.All(node => node.Workers().Count == 0));
        }
    }

    [Fact, Trait("Category", "Long")]
    public async Task Demand_that_reaches_two_gateways_brings_another_replica_and_its_end_gives_it_up_again()
    {
        using var database = _server.CreateDatabase();
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 2, alike: true, database: database.ConnectionString, gateways: 2,
            serve: ["--adapt", "grow-after=1s", "--adapt", "shrink-after=2s", "--adapt", "farewell=1s"]);
        await cluster.DeployAsync("--replicas", "1-2", "--stages", "1", "--concurrency", "8");
        // Half of the slots each: neither gateway alone sees more demand than one replica can bear.
        var requests = Enumerable.Range(0, 8).Select(i => AskedCompletion.Request(5 * i, tokens: 400)).ToList();
        var undisturbed = await AskAllAsync();

        await ReplicasAsync(2, AskAllAsync);
        var first = cluster.Clients.Select(client => ClusterProcesses.NodesOfAsync(client, "head"));
        Assert.All(await Task.WhenAll(first), heads => Assert.Equal(2, heads.Count));
        await ReplicasAsync(1, () => Task.FromResult(undisturbed));

        var events = await cluster.EventsAsync();
        output.WriteLine(events);
        Assert.Contains("growing", events);
        Assert.Contains("shrinking", events);
        Assert.Equal(undisturbed, await AskAllAsync());

        async Task<List<string>> AskAllAsync() =>
            [.. (await Task.WhenAll(requests.Select((request, i) => AskAsync(cluster.Clients[i % 2], request)))).Select(answer => answer.Said)];

        async Task ReplicasAsync(int count, Func<Task<List<string>>> ask) => await Eventually.TrueAsync(async () =>
        {
            Assert.Equal(undisturbed, await ask());
            return (await ClusterProcesses.NodesOfAsync(cluster.Clients[1], "head")).Count == count;
        });
    }

    public void Dispose() => _server.Dispose();

    private static Task<AskedCompletion> AskAsync(HttpClient client, JsonObject request) =>
        AskedCompletion.AskAsync(client, request, null, TestContext.Current.CancellationToken);
}
