using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>One model over several machines, as its users and its operator see it: real processes, killed while they work.</summary>
public sealed class DeploymentTests
{
    private const int Tokens = 300;

    [Fact]
    public async Task A_model_over_three_nodes_says_what_it_says_on_one_machine_whatever_happens_to_a_node()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 4);
        var requests = Enumerable.Range(0, 12).Select(i => AskedCompletion.Request(i, Tokens)).ToList();
        var alone = await AskAllAsync(cluster, requests);

        await cluster.DeployAsync("--stages", "3", "--spares", "1");
        Assert.Equal(alone, await AskAllAsync(cluster, requests));

        // A stage's process, killed while all of them generate.
        var killed = (await cluster.NodesOfAsync("stage"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, requests, () => cluster.Nodes[killed].KillWorkers()));
        Assert.Contains("restarted", await cluster.EventsAsync());
        await cluster.StateAsync("ready");

        // A whole node: its part goes to the spare.
        var lost = (await cluster.NodesOfAsync("stage"))[1];
        Assert.Equal(alone, await AskAllAsync(cluster, requests, () => cluster.Nodes[lost].Kill()));
        Assert.Contains("the standby on", await cluster.EventsAsync());
        Assert.DoesNotContain(lost, await cluster.NodesOfAsync("stage"));
        await cluster.AddAsync(lost);
        await cluster.StateAsync("ready");

        // The head: the gateway goes on with another one.
        var head = (await cluster.NodesOfAsync("head"))[0];
        Assert.Equal(alone, await AskAllAsync(cluster, requests, () => cluster.Nodes[head].Kill()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));
    }

    [Theory]
    [InlineData("qwen2", "f16")]
    [InlineData("qwen3", "q8_0")]
    public async Task Every_architecture_says_over_three_nodes_what_it_says_on_one_machine(string architecture, string kvFormat)
    {
        var model = (architecture == "qwen2" ? TinyModelOptions.Qwen2 : TinyModelOptions.Qwen3) with { LayerCount = 6, ContextLength = 512 };
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 3, model, kvFormat: kvFormat);
        var requests = Enumerable.Range(0, 8).Select(i => AskedCompletion.Request(i, tokens: 60)).ToList();
        var alone = await AskAllAsync(cluster, requests);

        await cluster.DeployAsync("--stages", "3", "--kv-format", kvFormat);

        Assert.Equal(alone, await AskAllAsync(cluster, requests));
        Assert.Equal(2, (await cluster.NodesOfAsync("stage")).Count);
    }

    [Fact]
    public async Task Nodes_that_share_every_layer_go_on_with_what_they_said_when_one_of_them_is_lost()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 3);
        var requests = Enumerable.Range(0, 8).Select(i => AskedCompletion.Request(i, Tokens)).ToList();
        await cluster.DeployAsync("--tensor-parallel", "2");
        // Sums of two machines differ from one machine's in their last bits: the group is compared with itself.
        var undisturbed = await AskAllAsync(cluster, requests);

        var member = Assert.Single(await cluster.NodesOfAsync("member"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[member].KillWorkers()));
        await cluster.StateAsync("ready");

        // Its machine: the third one takes its place.
        member = Assert.Single(await cluster.NodesOfAsync("member"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[member].Kill()));
        Assert.DoesNotContain(member, await cluster.NodesOfAsync("member"));
        await cluster.AddAsync(member);
        await cluster.StateAsync("ready");

        // The one that leads: the gateway goes on with another group.
        var head = Assert.Single(await cluster.NodesOfAsync("head"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[head].Kill()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));
    }

    [Fact]
    public async Task A_node_is_drained_under_way_and_no_stream_notices()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 4);
        var requests = Enumerable.Range(0, 8).Select(i => AskedCompletion.Request(i, Tokens)).ToList();
        await cluster.DeployAsync("--stages", "3");
        var undisturbed = await AskAllAsync(cluster, requests);

        foreach (var role in new[] { "stage", "head" })
        {
            var drained = (await cluster.NodesOfAsync(role))[0];
            Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, async () => Assert.Equal(0, (await cluster.FormAsync("node", "drain", drained)).ExitCode)));
            await Eventually.TrueAsync(async () => !(await cluster.NodesOfAsync(role)).Contains(drained));
            await cluster.StateAsync("ready");
            Assert.Empty(cluster.Nodes[drained].Workers());
            Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
            Assert.Equal(0, (await cluster.FormAsync("node", "drain", drained, "--undo")).ExitCode);
        }
    }

    [Fact]
    public async Task Nodes_are_drained_while_nobody_asks_for_anything()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 4);
        var requests = Enumerable.Range(0, 4).Select(i => AskedCompletion.Request(i, tokens: 40)).ToList();
        await cluster.DeployAsync("--stages", "3");
        var undisturbed = await AskAllAsync(cluster, requests);

        foreach (var role in new[] { "stage", "head", "stage" })
        {
            var drained = (await cluster.NodesOfAsync(role))[0];
            Assert.Equal(0, (await cluster.FormAsync("node", "drain", drained)).ExitCode);
            await Eventually.TrueAsync(() => cluster.Nodes[drained].Workers().Count == 0);
            await cluster.StateAsync("ready");
            Assert.Equal(0, (await cluster.FormAsync("node", "drain", drained, "--undo")).ExitCode);
        }
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests));
    }

    [Fact]
    public async Task The_gateways_own_machine_is_a_node_as_soon_as_there_is_another_one()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 1, isNode: true);
        var requests = Enumerable.Range(0, 4).Select(i => AskedCompletion.Request(i, tokens: 40)).ToList();
        var alone = await AskAllAsync(cluster, requests);
        await Eventually.TrueAsync(async () => (await cluster.FormAsync("nodes", "--json")).Out.Split("\"state\": \"online\"").Length == 3);

        await cluster.DeployAsync("--stages", "2");

        Assert.Equal(alone, await AskAllAsync(cluster, requests));
        var nodes = await cluster.NodesOfAsync("head");
        Assert.Equal(2, nodes.Concat(await cluster.NodesOfAsync("stage")).Distinct().Count());
    }

    [Fact]
    public async Task What_no_node_has_room_for_is_refused_with_the_bytes_that_are_missing()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 1);

        var refused = await cluster.FormAsync("deploy", ClusterProcesses.Model, "--context", "512", "--concurrency", "60000");

        Assert.Equal(2, refused.ExitCode);
        Assert.Matches("[0-9]{4,} bytes|MiB|GiB", refused.Error);
        Assert.Contains("n1", refused.Error);
    }

    [Fact]
    public async Task An_undeployed_model_is_served_by_the_gateway_itself_and_its_nodes_are_free()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 2);
        await cluster.DeployAsync("--stages", "2");
        var request = AskedCompletion.Request(0, 20);
        var deployed = await AskAllAsync(cluster, [request]);
        Assert.Contains("measured", (await cluster.FormAsync("status")).Out);

        Assert.Equal(0, (await cluster.FormAsync("undeploy", ClusterProcesses.Model)).ExitCode);

        await Eventually.TrueAsync(() => cluster.Nodes.Values.All(node => node.Workers().Count == 0));
        Assert.Equal(deployed, await AskAllAsync(cluster, [request]));
        Assert.Equal(5, (await cluster.FormAsync("undeploy", ClusterProcesses.Model)).ExitCode);
    }

    private static Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests, Action disturb) =>
        AskAllAsync(cluster, requests, () =>
        {
            disturb();
            return Task.CompletedTask;
        });

    /// <summary>Asks all at once; the disturbance comes when the first of them has begun to say something.</summary>
    private static async Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests, Func<Task>? disturb = null)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = requests.Select(
            request => AskedCompletion.AskAsync(cluster.Client, request, () => begun.TrySetResult(), TestContext.Current.CancellationToken)).ToList();
        if (disturb is not null)
        {
            await begun.Task;
            await disturb();
        }
        return [.. (await Task.WhenAll(asked)).Select(answer => answer.Said)];
    }
}
