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
    public async Task A_node_is_online_at_each_gateway_that_it_knows_and_stays_so_when_one_goes_away()
    {
        await using var other = await TestControlPlane.StartAsync();
        using var identity = Identity("a");
        var agent = Agent(identity, await JoinAsync(identity, "a", _gateway, other), "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");
        await OnlineAsync(other, "a");
        var since = other.Registry.Find("a")!.Since;
        string[] ways = [PeerAddress.Relay(_gateway.Plane.Pin), PeerAddress.Relay(other.Plane.Pin)];
        await Eventually.TrueAsync(() => ways.All(way => other.Registry.Find("a")!.Report!.Addresses.Contains(way)));

        await _gateway.StopAsync();

        await Eventually.TrueAsync(() => other.Registry.Find("a")!.Report!.Addresses.Count(way => !PeerAddress.IsDirect(way)) == 1);
        Assert.Equal((NodeState.Online, since), (other.Registry.Find("a")!.State, other.Registry.Find("a")!.Since));
        _stop.Cancel();
        await running;
    }

    [Fact]
    public async Task A_node_that_hears_of_another_gateway_turns_to_it_and_remembers_it()
    {
        await using var other = await TestControlPlane.StartAsync();
        using var identity = Identity("a");
        await JoinAsync(identity, "a", other);
        var agent = Agent(identity, await JoinAsync(identity, "a", _gateway), "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");

        _gateway.Registry.SetGateways([_gateway.Registry.Gateways[0], new KnownGateway(other.Plane.Pin, [other.Url.ToString()])]);

        await OnlineAsync(other, "a");
        await Eventually.TrueAsync(() => Membership.Load(Path.Combine(_folder.FullName, "a"))!.Gateways.Any(gateway => gateway.Pin == other.Plane.Pin));
        _stop.Cancel();
        await running;
    }

    [Fact]
    public async Task A_gateway_that_does_not_want_the_node_is_left_alone_while_another_one_holds_it()
    {
        await using var other = await TestControlPlane.StartAsync();
        using var identity = Identity("a");
        var agent = Agent(identity, await JoinAsync(identity, "a", _gateway, other), "a");
        var running = agent.RunAsync(_stop.Token);
        await OnlineAsync(_gateway, "a");
        await OnlineAsync(other, "a");

        other.Registry.Remove("a");
        await Eventually.TrueAsync(() =>
        {
            lock (_progress)
                return _progress.Any(line => line.Contains("does not want this node", StringComparison.Ordinal));
        });
        Assert.Equal(NodeState.Online, _gateway.Registry.Find("a")!.State);

        _gateway.Registry.Remove("a");
        Assert.Equal(RefusalReason.Removed, (await Assert.ThrowsAsync<NodeRefusedException>(() => running)).Refusal.Reason);
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

    private async Task<Membership> JoinAsync(NodeIdentity identity, string name, TestControlPlane one, TestControlPlane other)
    {
        var (first, second) = (await JoinAsync(identity, name, one), await JoinAsync(identity, name, other));
        return first with { Gateways = [.. first.Gateways, .. second.Gateways] };
    }

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
