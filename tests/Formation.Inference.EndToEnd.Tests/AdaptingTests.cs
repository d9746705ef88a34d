using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Deployments that change by themselves while they are used: real processes, and numbers that make it soon.</summary>
public sealed class AdaptingTests(ITestOutputHelper output)
{
    private const int Streams = 8;

    [Fact, Trait("Category", "Long")]
    public async Task Layers_move_to_a_node_that_joins_while_streams_run_and_the_tokens_stay_the_same()
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 1, serve: ["--adapt", "move-after=1s", "--adapt", "move-gain=100%", "--adapt", "farewell=1s"]);
        await cluster.DeployAsync("--stages", "1", "--replicas", "1");
        var requests = Enumerable.Range(0, Streams).Select(i => AskedCompletion.Request(i, tokens: 100)).ToList();
        var undisturbed = await AskAllAsync(cluster, requests);
        cluster.Measure("n2", @as: "n1", times: 20);

        // One round behind the other, until the layers lie on the new node and nothing of the old parts is left.
        var joining = cluster.AddAsync("n2");
        var rounds = 0;
        for (var events = ""; !events.Contains(" moved ", StringComparison.Ordinal); rounds++)
        {
            Assert.True(rounds < 100, $"nothing moved: {events}");
            Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
            events = await cluster.EventsAsync();
        }
        await joining;

        output.WriteLine($"{rounds} rounds of {Streams} streams\n{await cluster.EventsAsync()}");
        Assert.Equal(["n2"], await cluster.NodesOfAsync("head"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
    }

    [Fact, Trait("Category", "Long")]
    public async Task A_model_that_nobody_asks_sleeps_and_the_next_request_wakes_it()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 1);
        await cluster.DeployAsync("--replicas", "1-2", "--idle", "3s");
        List<JsonObject> requests = [AskedCompletion.Request(0, tokens: 40)];
        var awake = await AskAllAsync(cluster, requests);

        await cluster.StateAsync("idle");
        await Eventually.TrueAsync(() => cluster.Nodes["n1"].Workers().Count == 0);
        Assert.Contains("idle", (await cluster.FormAsync("status")).Out);

        Assert.Equal(awake, await AskAllAsync(cluster, requests));
        Assert.Contains("a request came for it", await cluster.EventsAsync());
    }

    [Fact, Trait("Category", "Long")]
    public async Task Many_requests_bring_another_replica_and_few_give_it_up_again()
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 2, serve: ["--adapt", "grow-after=1s", "--adapt", "shrink-after=2s", "--adapt", "farewell=1s"]);
        await cluster.DeployAsync("--replicas", "1-2", "--stages", "1", "--concurrency", "4");
        var requests = Enumerable.Range(0, 24).Select(i => AskedCompletion.Request(i, tokens: 400)).ToList();
        var undisturbed = await AskAllAsync(cluster, requests);

        await ReplicasAsync(2, () => AskAllAsync(cluster, requests));
        await ReplicasAsync(1, () => Task.FromResult(undisturbed));

        var events = await cluster.EventsAsync();
        output.WriteLine(events);
        Assert.Contains("growing", events);
        Assert.Contains("shrinking", events);
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));

        async Task ReplicasAsync(int count, Func<Task<List<string>>> ask) => await Eventually.TrueAsync(async () =>
        {
            Assert.Equal(undisturbed, await ask());
            return (await cluster.NodesOfAsync("head")).Count == count;
        });
    }

    private static async Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests) =>
        [.. (await Task.WhenAll(requests.Select(request => AskedCompletion.AskAsync(cluster.Client, request, null, TestContext.Current.CancellationToken))))
            .Select(answer => answer.Said)];
}
