using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Testing.Databases;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>
/// Three gateways on one PostgreSQL, of which one after the other is killed while two hundred requests are in flight or queued: those of the others
/// notice nothing, and those of the killed one are asked again elsewhere and answered the same.
/// </summary>
public sealed class GatewayLossTests(ITestOutputHelper output)
{
    private const int Gateways = 3;

    [Fact]
    public async Task What_one_gateway_does_every_other_one_knows()
    {
        using var server = new PostgresServer();
        using var database = server.CreateDatabase();
        await using var cluster = await ClusterProcesses.StartAsync(nodes: 2, database: database.ConnectionString, gateways: 2, context: 4096);
        var request = AskedCompletion.Request(0, tokens: 40);
        var alone = (await AskAsync(cluster.Clients[1], request)).Said;

        await cluster.DeployAsync("--stages", "2");
        Assert.Equal(alone, (await AskAsync(cluster.Clients[1], request)).Said);
        Assert.Equal("ready", (await ClusterProcesses.DeploymentAsync(cluster.Clients[1])).GetProperty("state").GetString());

        // The one that decides is gone, with a response in the background, and then a stage's process, too.
        var response = await FollowedResponse.BeginAsync(cluster.Clients[0], ClusterProcesses.Model, tokens: 2000, events: 50);
        await cluster.KillGatewayAsync(0);
        Assert.Equal(alone, (await AskAsync(cluster.Clients[1], request)).Said);
        var stage = cluster.Nodes[(await ClusterProcesses.NodesOfAsync(cluster.Clients[1], "stage"))[0]];
        stage.KillWorkers();
        Assert.Equal(alone, (await AskAsync(cluster.Clients[1], request)).Said);
        await response.EndAsync(cluster.Clients[1], tokens: 2000);
    }

    [Fact, Trait("Category", "Long")]
    public async Task Two_hundred_requests_survive_the_loss_of_gateways()
    {
        using var server = new PostgresServer();
        using var database = server.CreateDatabase();
        await using var cluster = await ClusterProcesses.StartAsync(
            nodes: 4, new TinyModelOptions { LayerCount = 6, ContextLength = 512, HiddenSize = 256, FeedForwardSize = 512 },
            database: database.ConnectionString, gateways: Gateways);
        var requests = Enumerable.Range(0, 200).Select(i => AskedCompletion.Request(i, tokens: 400)).ToList();
        await cluster.DeployAsync("--stages", "3", "--spares", "1", "--concurrency", "16");
        var undisturbed = await AskAllAsync(cluster, requests);

        var asking = AskAllAsync(cluster, requests);
        var killed = new HashSet<int>();
        for (var loss = 0; loss < 4; loss++)
        {
            await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
            Assert.False(asking.IsCompleted);
            killed.Add(loss % 2);
            await cluster.KillGatewayAsync(loss % 2);
            // While perhaps nobody decides, a stage is lost, too.
            if (loss == 2)
                cluster.Nodes[(await ClusterProcesses.NodesOfAsync(cluster.Clients[2], "stage"))[0]].KillWorkers();
            await cluster.RestartGatewayAsync(loss % 2);
        }
        var disturbed = await asking;

        for (var i = 0; i < requests.Count; i++)
            Assert.Equal(undisturbed[i].Answer.Said, disturbed[i].Answer.Said);
        Assert.All(Enumerable.Range(0, requests.Count).Where(i => !killed.Contains(i % Gateways)), i => Assert.Equal(0, disturbed[i].Repeats));
        Say("undisturbed", undisturbed);
        Say("disturbed", disturbed);
        output.WriteLine(await cluster.EventsAsync());
    }

    private static Task<AskedCompletion> AskAsync(HttpClient client, JsonObject request) =>
        AskedCompletion.AskAsync(client, request, null, TestContext.Current.CancellationToken);

    // As clients do that know several addresses: each begins with one of them and turns to the next when its connection breaks.
    private static Task<(AskedCompletion Answer, int Repeats)[]> AskAllAsync(ClusterProcesses cluster, List<JsonObject> requests) =>
        Task.WhenAll(requests.Select(async (request, i) =>
        {
            for (var repeats = 0; ; repeats++)
            {
                try
                {
                    return (await AskAsync(cluster.Clients[(i + repeats) % Gateways], request), repeats);
                }
                catch (Exception broken) when (repeats < 20 && broken is HttpRequestException { StatusCode: null } or IOException or ObjectDisposedException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
                }
            }
        }));

    private void Say(string name, (AskedCompletion Answer, int Repeats)[] answers)
    {
        var pauses = answers.Select(answer => answer.Answer.LongestPause.TotalSeconds).Order().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {answers.Count(answer => answer.Repeats > 0)} asked again; the longest pause of a request: p50 {pauses[pauses.Count / 2]:0.00} s, max {pauses[^1]:0.00} s"));
    }
}
