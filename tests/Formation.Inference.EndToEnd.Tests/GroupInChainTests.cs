using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Two nodes that share the first layers and one behind them with the others: real processes, killed while they work.</summary>
public sealed class GroupInChainTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_group_with_a_stage_behind_it_goes_on_with_what_it_said_whoever_is_lost()
    {
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 4, alike: true);
        try
        {
            await LoseAllAsync(cluster);
        }
        finally
        {
            output.WriteLine(await cluster.EventsAsync());
        }
    }

    private static async Task LoseAllAsync(ClusterProcesses cluster)
    {
        var requests = Enumerable.Range(0, 8).Select(i => AskedCompletion.Request(i, tokens: 200)).ToList();
        // There is a group as soon as nodes have measured the ways to each other.
        await Eventually.TrueAsync(async () => (await cluster.FormAsync("deploy", ClusterProcesses.Model, "--tensor-parallel", "2", "--stages", "2")).ExitCode == 0);
        await cluster.StateAsync("ready");
        // Sums of two machines differ from one machine's in their last bits: the deployment is compared with itself.
        var undisturbed = await AskAllAsync(cluster, requests);
        var (group, stage) = (await NodesAsync("head", "member"), Assert.Single(await cluster.NodesOfAsync("stage")));
        Assert.Equal(2, group.Count);
        Assert.DoesNotContain(stage, group);

        // A member's machine: the one that is left takes its place.
        var member = Assert.Single(await cluster.NodesOfAsync("member"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[member].KillAll()));
        Assert.DoesNotContain(member, await NodesAsync("head", "member", "stage"));
        await cluster.AddAsync(member);
        await cluster.StateAsync("ready");

        // The stage behind the group: its machine.
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[stage].KillAll()));
        Assert.DoesNotContain(stage, await cluster.NodesOfAsync("stage"));
        await cluster.AddAsync(stage);
        await cluster.StateAsync("ready");

        // The one that leads: the gateway goes on with another one.
        var head = Assert.Single(await cluster.NodesOfAsync("head"));
        Assert.Equal(undisturbed, await AskAllAsync(cluster, requests, () => cluster.Nodes[head].KillAll()));
        Assert.DoesNotContain(head, await cluster.NodesOfAsync("head"));

        async Task<IReadOnlyList<string>> NodesAsync(params string[] roles) =>
            [.. (await Task.WhenAll(roles.Select(role => cluster.NodesOfAsync(role)))).SelectMany(nodes => nodes)];
    }

    /// <summary>Asks all at once; the disturbance comes when the first of them has begun to say something.</summary>
    private static async Task<List<string>> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests, Action? disturb = null)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = requests.Select(
            request => AskedCompletion.AskAsync(cluster.Client, request, () => begun.TrySetResult(), TestContext.Current.CancellationToken)).ToList();
        if (disturb is not null)
        {
            await begun.Task;
            disturb();
        }
        return [.. (await Task.WhenAll(asked)).Select(answer => answer.Said)];
    }
}
