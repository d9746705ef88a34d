using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Tests.Fakes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>A gateway and some heads, which speak over real TLS on loopback.</summary>
sealed class HeadNetwork : IAsyncDisposable
{
    public const string ModelId = "tiny";

    readonly TestNode _gateway = new("gateway", new() { [PeerProbe.Protocol] = PeerProbe.Answers(TimeProvider.System) });

    /// <param name="backends">What each head serves.</param>
    /// <param name="clock">The gateway's clock for heartbeats and waits.</param>
    public HeadNetwork(
        IReadOnlyList<IInferenceBackend> backends, TimeProvider? clock = null, HeadServerOptions? server = null, HeadClientOptions? client = null)
    {
        Heads = [.. backends.Select((backend, i) => new TestHead($"head {i}", backend, server ?? new HeadServerOptions(), _gateway))];
        Client = new HeadClient(
            async (replica, cancellationToken) => await _gateway.DialAsync(
                new(replica.NodeName, replica.HeadPin, replica.Addresses, IsOnline: true), HeadServer.Protocol, cancellationToken),
            client ?? new HeadClientOptions(), clock ?? TimeProvider.System);
        Directory.Set(ModelId, Heads.Select(head => head.Replica));
        Backend = new ClusterBackend(
            Directory, Client, new PrefixAffinityPolicy(new Random(1)), Options, Metrics, clock ?? TimeProvider.System,
            NullLogger<ClusterBackend>.Instance);
    }

    // Tests cut again and again, at once, and without anybody's fault.
    static ClusterBackendOptions Options { get; } = new()
    {
        MaxLosses = 1000,
        MaxLossesAtOnce = 1000,
        MaxLossesWithoutProgress = 1000,
        ShortestPause = TimeSpan.FromMilliseconds(1),
        NextSeed = () => 99,
    };

    public IReadOnlyList<TestHead> Heads { get; }

    public HeadClient Client { get; }

    public ReplicaTable Directory { get; } = new();

    public RoutingMetrics Metrics { get; } = new();

    public ClusterBackend Backend { get; }

    /// <summary>Ends all connections to all heads.</summary>
    public void CutAll()
    {
        foreach (var head in Heads)
            head.Way.Cut();
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        foreach (var head in Heads)
            await head.DisposeAsync();
        await _gateway.DisposeAsync();
        Metrics.Dispose();
    }
}

/// <summary>A head on a port of its own, with a way to it that can be cut.</summary>
sealed class TestHead : IAsyncDisposable
{
    readonly TestNode _node;

    public TestHead(string name, IInferenceBackend backend, HeadServerOptions options, TestNode gateway)
    {
        Server = new HeadServer(backend, options, TimeProvider.System);
        _node = new TestNode(name, new() { [HeadServer.Protocol] = Server.Handler });
        _node.Knows(gateway);
        Way = new TcpProxy(_node.Listener.Endpoint!);
        Replica = new Replica($"replica of {name}", name, _node.Identity.Pin, [Way.Address]) { IsReady = true };
    }

    public HeadServer Server { get; }

    public TcpProxy Way { get; }

    public Replica Replica { get; }

    /// <summary>Connections that are open at the head.</summary>
    public int OpenConnections => _node.Listener.OpenConnections;

    public async ValueTask DisposeAsync()
    {
        await Way.DisposeAsync();
        await _node.DisposeAsync();
    }
}
