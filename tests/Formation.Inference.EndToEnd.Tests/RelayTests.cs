namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Nodes that nobody can dial, as real processes.</summary>
public sealed class RelayTests
{
    private const int Tokens = 100;

    [Fact]
    public async Task Nodes_that_only_dial_out_serve_a_model_together_and_say_what_one_machine_says()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 0);
        var requests = Enumerable.Range(0, 6).Select(i => AskedCompletion.Request(i, Tokens)).ToList();
        var alone = await AskAllAsync(cluster, requests);
        await cluster.AddAsync("h1", "off");
        await cluster.AddAsync("h2", "off");
        await cluster.AddAsync("h3", "off");

        await cluster.DeployAsync("--stages", "3");

        Assert.Equal(alone, await AskAllAsync(cluster, requests));
        Assert.Equal(2, (await cluster.NodesOfAsync("stage")).Count);
        var metrics = await cluster.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        foreach (var node in cluster.Nodes.Keys)
            Assert.Matches($"formation_relayed_bytes_total\\{{[^}}]*node_name=\"{node}\"", metrics);
    }

    [Fact]
    public async Task A_node_that_only_dials_out_serves_beside_one_that_is_dialled()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 1);
        await cluster.AddAsync("hidden", "off");
        await Eventually.TrueAsync(async () => (await cluster.FormAsync("nodes", "--json")).Out.Contains("\"relayed\": true", StringComparison.Ordinal));
        var requests = Enumerable.Range(0, 4).Select(i => AskedCompletion.Request(i, Tokens)).ToList();
        var alone = await AskAllAsync(cluster, requests);

        await cluster.DeployAsync("--stages", "2");

        Assert.Equal(alone, await AskAllAsync(cluster, requests));
        Assert.Single(cluster.Nodes["hidden"].Workers());
    }

    private static async Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<System.Text.Json.Nodes.JsonObject> requests)
    {
        var asked = requests.Select(request => AskedCompletion.AskAsync(cluster.Client, request, begun: null, TestContext.Current.CancellationToken));
        return [.. (await Task.WhenAll(asked)).Select(answer => answer.Said)];
    }
}
