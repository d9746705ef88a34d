using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>
/// Two hundred requests in flight or queued over three stages with a spare, while machines are lost ten times: every answer is the very one of an
/// undisturbed run. What it saw (pauses, how soon losses were noticed) goes to the test's output.
/// </summary>
public sealed class LossTests(ITestOutputHelper output)
{
    private const int Requests = 200;
    private const int Losses = 10;

    private enum Way
    {
        /// <summary>The worker's process is killed; its agent starts another one.</summary>
        Worker,

        /// <summary>The machine is gone with all its processes.</summary>
        Node,

        /// <summary>The machine falls silent: nothing is closed, and nothing answers.</summary>
        Silence,
    }

    [Fact, Trait("Category", "Long")]
    public Task Two_hundred_requests_survive_ten_losses_of_stages() => SurviveAsync("stage");

    [Fact, Trait("Category", "Long")]
    public Task Two_hundred_requests_survive_ten_losses_of_the_head() => SurviveAsync("head");

    private async Task SurviveAsync(string role)
    {
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 5, new TinyModelOptions { LayerCount = 6, ContextLength = 512, HiddenSize = 256, FeedForwardSize = 512 });
        var requests = Enumerable.Range(0, Requests).Select(i => AskedCompletion.Request(i, tokens: 400)).ToList();
        await cluster.DeployAsync("--stages", "3", "--spares", "1", "--concurrency", "16");
        var undisturbed = await AskAllAsync(cluster, requests);

        var asking = AskAllAsync(cluster, requests);
        var unfinished = 0;
        for (var loss = 0; loss < Losses; loss++)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
            unfinished += asking.IsCompleted ? 0 : 1;
            await LoseAsync(cluster, role, (Way)(loss % 3), loss);
        }
        var disturbed = await asking;

        Assert.Equal(Losses, unfinished);
        for (var i = 0; i < Requests; i++)
            Assert.Equal(undisturbed[i].Said, disturbed[i].Said);
        Say("undisturbed", undisturbed);
        Say("disturbed", disturbed);
        output.WriteLine(await cluster.EventsAsync());
    }

    /// <summary>Loses the machine of a worker, waits until the deployment is whole again, and lets the machine come back.</summary>
    private async Task LoseAsync(ClusterProcesses cluster, string role, Way way, int index)
    {
        var nodes = await cluster.NodesOfAsync(role);
        var lost = nodes[index % nodes.Count];
        var start = Stopwatch.GetTimestamp();
        switch (way)
        {
            case Way.Worker:
                cluster.Nodes[lost].KillWorkers();
                break;
            case Way.Node:
                cluster.Nodes[lost].KillAll();
                break;
            default:
                cluster.Nodes[lost].Freeze();
                break;
        }
        // Whole again means: other workers than before, and all of them ready.
        var noticed = TimeSpan.Zero;
        await Eventually.TrueAsync(async () =>
        {
            var deployment = await cluster.DeploymentAsync();
            var state = deployment.GetProperty("state").GetString();
            if (noticed == TimeSpan.Zero && state != "ready")
                noticed = Stopwatch.GetElapsedTime(start);
            var replica = deployment.GetProperty("replicas")[0];
            return noticed > TimeSpan.Zero && replica.GetProperty("ready").GetBoolean()
                && replica.GetProperty("workers").EnumerateArray().All(worker => worker.GetProperty("state").GetString() == "ready");
        });
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"loss {index + 1}: {role} on {lost}, {way}; noticed after {noticed.TotalSeconds:0.00} s, whole after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s"));
        if (way == Way.Worker)
            return;
        cluster.Nodes[lost].KillAll();
        await cluster.AddAsync(lost);
    }

    private static async Task<AskedCompletion[]> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests) =>
        await Task.WhenAll(requests.Select(request => AskedCompletion.AskAsync(cluster.Client, request, null, TestContext.Current.CancellationToken)));

    private void Say(string name, AskedCompletion[] answers)
    {
        var pauses = answers.Select(answer => answer.LongestPause.TotalSeconds).Order().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: the longest pause of a request, the wait in the queue apart: p50 {pauses[pauses.Count / 2]:0.00} s, p99 {pauses[pauses.Count * 99 / 100]:0.00} s, max {pauses[^1]:0.00} s"));
    }
}
