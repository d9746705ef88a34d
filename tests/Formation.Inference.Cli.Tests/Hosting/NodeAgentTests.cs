using System.Net;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Agent;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>The real agent of a node and the real control plane of a gateway, on loopback and in real time.</summary>
public sealed class NodeAgentTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("form-agent-");
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _progress = [];
    private TestControlPlane _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await TestControlPlane.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _gateway.DisposeAsync();
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_node_joins_reports_and_says_goodbye()
    {
        using var identity = Identity("a");
        var membership = await JoinAsync(identity, "a", _gateway);
        var agent = Agent(identity, membership, "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");
        Assert.NotEmpty(_gateway.Registry.Find("a")!.Report!.Addresses);

        _stop.Cancel();
        await running;
        await Eventually.TrueAsync(() => _gateway.Registry.Find("a")!.State == NodeState.Stopped);
    }

    [Fact]
    public async Task Two_nodes_learn_of_each_other_and_measure_the_way_between_them()
    {
        using var one = Identity("one");
        using var two = Identity("two");
        var first = Agent(one, await JoinAsync(one, "one", _gateway), "one");
        var second = Agent(two, await JoinAsync(two, "two", _gateway), "two");
        var running = first.RunAsync(_stop.Token);
        var removed = second.RunAsync(_stop.Token);

        await Eventually.TrueAsync(() => first.Peers.Find("two") is { IsOnline: true } && second.Peers.Find(one.Pin) is { IsOnline: true });
        await Eventually.TrueAsync(() => _gateway.Registry.List().Any(node => node.Report is { Links.Count: 1 }));
        var link = _gateway.Registry.List().SelectMany(node => node.Report?.Links ?? []).First();
        Assert.True(link.RoundTrip > TimeSpan.Zero && link.BytesPerSecond > 0);

        Assert.True(_gateway.Registry.Remove("two"));
        await Eventually.TrueAsync(() => first.Peers.Find(two.Pin) is null);
        var refused = await Assert.ThrowsAsync<NodeRefusedException>(() => removed);
        Assert.Equal(RefusalReason.Removed, refused.Refusal.Reason);
        _stop.Cancel();
        await running;
    }

    [Fact]
    public async Task When_the_gateway_starts_again_its_nodes_come_back_without_a_token()
    {
        using var identity = Identity("a");
        var agent = Agent(identity, await JoinAsync(identity, "a", _gateway), "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");
        var port = _gateway.Plane.Endpoint.Port;

        await _gateway.StopAsync();
        await _gateway.RunAsync(port);

        await OnlineAsync(_gateway, "a");
        _stop.Cancel();
        await running;
    }

    [Fact]
    public async Task When_a_gateway_goes_away_its_nodes_turn_to_the_next_one_that_they_know()
    {
        await using var other = await TestControlPlane.StartAsync();
        using var identity = Identity("a");
        var one = await JoinAsync(identity, "a", _gateway);
        var two = await JoinAsync(identity, "a", other);
        var agent = Agent(identity, one with { Gateways = [.. one.Gateways, .. two.Gateways] }, "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");

        await _gateway.StopAsync();

        await OnlineAsync(other, "a");
        _stop.Cancel();
        await running;
    }

    [Fact]
    public async Task A_gateway_with_another_key_than_the_token_names_never_sees_the_token()
    {
        await using var impostor = await TestControlPlane.StartAsync();
        using var identity = Identity("a");
        Assert.True(JoinToken.TryParse(_gateway.Token(), out var token, out _));
        var error = await Assert.ThrowsAsync<GatewayUnreachableException>(() => NodeJoin.RunAsync(
            identity, impostor.Url, token, RawNode.Report("a"), _folder.FullName, TimeProvider.System, CancellationToken.None));
        Assert.Equal(CertificateFault.WrongPeer, error.Fault);
        Assert.Contains("not trusted", error.Message);
        Assert.Empty(impostor.Registry.Log.Newest(null, 10));
        Assert.Null(Membership.Load(_folder.FullName));
    }

    [Fact]
    public async Task Nobody_at_the_address_is_told_as_such()
    {
        using var identity = Identity("a");
        Assert.True(JoinToken.TryParse(_gateway.Token(), out var token, out _));
        var error = await Assert.ThrowsAsync<GatewayUnreachableException>(() => NodeJoin.RunAsync(
            identity, new Uri("https://127.0.0.1:1"), token, RawNode.Report("a"), _folder.FullName, TimeProvider.System, CancellationToken.None));
        Assert.Null(error.Fault);
        Assert.Contains("127.0.0.1:1", error.Message);
    }

    [Fact]
    public async Task A_gateway_that_stays_away_is_told_once_and_not_at_every_try()
    {
        using var identity = Identity("a");
        var membership = await JoinAsync(identity, "a", _gateway);
        await _gateway.StopAsync();
        var agent = Agent(identity, membership, "a");
        var running = agent.RunAsync(_stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        _stop.Cancel();
        await running;
        lock (_progress)
            Assert.Single(_progress, line => line.StartsWith("No gateway answers", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_drained_node_knows_it()
    {
        using var identity = Identity("a");
        var agent = Agent(identity, await JoinAsync(identity, "a", _gateway), "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");
        _gateway.Registry.SetDraining("a", true);
        await Eventually.TrueAsync(() => agent.IsDraining);
        _gateway.Registry.SetDraining("a", false);
        await Eventually.TrueAsync(() => !agent.IsDraining);
        _stop.Cancel();
        await running;
    }

    private NodeIdentity Identity(string name) => NodeIdentity.LoadOrCreate(Path.Combine(_folder.FullName, name, "node.pem"), TimeProvider.System);

    private async Task<Membership> JoinAsync(NodeIdentity identity, string name, TestControlPlane gateway)
    {
        Assert.True(JoinToken.TryParse(gateway.Token(), out var token, out _));
        return await NodeJoin.RunAsync(
            identity, gateway.Url, token, RawNode.Report(name), Path.Combine(_folder.FullName, name), TimeProvider.System, CancellationToken.None);
    }

    private NodeAgent Agent(NodeIdentity identity, Membership membership, string name) => new(new NodeAgentOptions
    {
        Identity = identity,
        Membership = membership,
        Folder = Path.Combine(_folder.FullName, name),
        Inventory = () => RawNode.Report(name),
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        ReportInterval = TimeSpan.FromMilliseconds(200),
        Clock = TimeProvider.System,
        Random = new Random(1),
        Progress = line =>
        {
            lock (_progress)
                _progress.Add(line);
        },
    });

    private static Task OnlineAsync(TestControlPlane gateway, string name) =>
        Eventually.TrueAsync(() => gateway.Registry.Find(name) is { State: NodeState.Online });
}
