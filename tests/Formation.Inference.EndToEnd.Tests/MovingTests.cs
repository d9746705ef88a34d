using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Several parts of one deployment that move at the same time while streams run over them: real processes, and the same tokens.</summary>
public sealed class MovingTests(ITestOutputHelper output)
{
    private const int Streams = 8;

    [Fact]
    public async Task Two_stages_and_then_a_head_with_a_stage_leave_drained_nodes_together_and_no_stream_notices()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 5, alike: true);
        await cluster.DeployAsync("--stages", "3");
        var requests = Enumerable.Range(0, Streams).Select(i => AskedCompletion.Request(i, tokens: 200)).ToList();
        var undisturbed = await AskAllAsync(cluster, requests);

        await LeaveAsync(await cluster.NodesOfAsync("stage"));
        await LeaveAsync([.. await cluster.NodesOfAsync("head"), (await cluster.NodesOfAsync("stage"))[0]]);

        var events = await cluster.EventsAsync();
        output.WriteLine(events);
        Assert.DoesNotContain("waiting", events);

        async Task LeaveAsync(IReadOnlyList<string> nodes)
        {
            Assert.Equal(2, nodes.Distinct().Count());
            Assert.All(await Task.WhenAll(nodes.Select(node => cluster.FormAsync("node", "drain", node))), drained => Assert.Equal(0, drained.ExitCode));
            await RoundsAsync(cluster, requests, undisturbed, async () => !(await UsedAsync(cluster)).Intersect(nodes).Any());
            await cluster.StateAsync("ready");
            await Eventually.TrueAsync(() => nodes.All(node => cluster.Nodes[node].Workers().Count == 0));
            Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
            foreach (var node in nodes)
                Assert.Equal(0, (await cluster.FormAsync("node", "drain", node, "--undo")).ExitCode);
        }
    }

    [Fact, Trait("Category", "Long")]
    public async Task Both_parts_of_a_model_move_to_two_faster_nodes_that_join_while_streams_run()
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 2, alike: true, serve: ["--adapt", "move-after=1s", "--adapt", "move-gain=100%", "--adapt", "farewell=1s"]);
        await cluster.DeployAsync("--stages", "2", "--replicas", "1");
        var requests = Enumerable.Range(0, Streams).Select(i => AskedCompletion.Request(i, tokens: 200)).ToList();
        var undisturbed = await AskAllAsync(cluster, requests);

        var joining = cluster.AddAlikeAsync(["n3", "n4"], times: 20);
        await RoundsAsync(cluster, requests, undisturbed, async () => (await UsedAsync(cluster)).Order().SequenceEqual(["n3", "n4"]));
        await joining;

        var events = await cluster.EventsAsync();
        output.WriteLine(events);
        Assert.Contains("handing-over", events);
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
    }

    // One round behind the other, until it is as it should be: whenever something is handed over, streams run.
    private async Task RoundsAsync(ClusterProcesses cluster, List<JsonObject> requests, List<string> undisturbed, Func<Task<bool>> isDone)
    {
        var rounds = 0;
        try
        {
            await Eventually.TrueAsync(async () =>
            {
                rounds++;
                Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
                return await isDone();
            });
        }
        catch (TimeoutException)
        {
            output.WriteLine(await cluster.EventsAsync());
            throw;
        }
        finally
        {
            output.WriteLine($"{rounds} rounds of {requests.Count} streams");
        }
    }

    private static async Task<IEnumerable<string>> UsedAsync(ClusterProcesses cluster) =>
        (await cluster.NodesOfAsync("head")).Concat(await cluster.NodesOfAsync("stage"));

    private static async Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests) =>
        [.. (await Task.WhenAll(requests.Select(request => AskedCompletion.AskAsync(cluster.Client, request, null, TestContext.Current.CancellationToken))))
            .Select(answer => answer.Said)];
}
