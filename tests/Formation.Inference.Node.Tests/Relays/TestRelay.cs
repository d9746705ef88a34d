using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Relays;
using Formation.Inference.Node.Relays;
using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Files;
using WorkerReport = Formation.Inference.Cluster.Workers.WorkerReport;

namespace Formation.Inference.Node.Tests.Relays;

/// <summary>
/// A gateway as a relay: its real registry and relay behind real TLS on loopback, without the web server around them. It keeps every byte that
/// passes, as the relay has it.
/// </summary>
sealed class TestRelay : IAsyncDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly SqliteDatabase _database;
    private readonly ConcurrentBag<NodeConnection> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly RelayMetrics _metrics = new();
    private readonly MemoryStream _seen = new();
    private readonly Task _accepting;

    public TestRelay()
    {
        Identity = NodeIdentity.CreateInMemory(TimeProvider.System);
        _database = SqliteDatabase.Open(_folder.File("cluster.db"), TimeProvider.System);
        Registry = new NodeRegistry(
            NodeStore.Open(_database), [new KnownGateway(Identity.Pin, [])], new NodeRegistryOptions { Lease = TimeSpan.FromHours(1) }, TimeProvider.System);
        Service = new RelayService(Registry, new RelayOptions(), _metrics, TimeProvider.System);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public NodeIdentity Identity { get; }

    public NodeRegistry Registry { get; }

    public RelayService Service { get; }

    /// <summary>The address of those that are reached through here.</summary>
    public string Address => PeerAddress.Relay(Identity.Pin);

    public KnownGateway AsGateway => new(Identity.Pin, [$"https://{_listener.LocalEndpoint}"]);

    /// <summary>The gateway's own way to others.</summary>
    public IRelayDialer OwnDialer => new GatewayRelay(Service, Identity.Pin, TimeProvider.System);

    /// <summary>What passed so far, both ways, without what the relay's own TLS adds.</summary>
    public byte[] Seen
    {
        get
        {
            lock (_seen)
                return _seen.ToArray();
        }
    }

    public RelayDialer DialerOf(NodeIdentity identity) => new(identity, () => [AsGateway], TimeProvider.System);

    /// <summary>Admits a node and takes its control stream; what it is called for goes to the test.</summary>
    public NodeConnection Connect(string name, KeyPin pin, Action<CallBack> called, params string[] addresses)
    {
        var report = new NodeReport
        {
            Name = name,
            Version = "0.1.0",
            Devices = [new DeviceReport("a processor", "avx2", 1, 1e10, 1e11)],
            MemoryBytes = 1L << 30,
            FreeMemoryBytes = 1L << 30,
            Addresses = [.. addresses, Address],
        };
        var token = Registry.Invite(AdmissionTerms.Default, TimeSpan.FromHours(1)).Token.Text.Value;
        Assert.True(Registry.TryAdmit(token, pin, report, out _, out _));
        var connection = new NodeConnection(pin, "loopback");
        Assert.Null(Registry.Register(connection, report));
        _connections.Add(connection);
        _ = HearAsync(connection, called);
        return connection;
    }

    /// <summary>Takes what a node says of its workers.</summary>
    public void Report(NodeConnection connection, params WorkerReport[] workers) =>
        Registry.Report(connection, workers.ToDictionary(worker => worker.Id, StringComparer.Ordinal));

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        Service.Dispose();
        Registry.Dispose();
        _listener.Stop();
        await _accepting;
        _metrics.Dispose();
        Identity.Dispose();
        _database.Dispose();
        _folder.Dispose();
        _stop.Dispose();
    }

    private static async Task HearAsync(NodeConnection connection, Action<CallBack> called)
    {
        await foreach (var message in connection.OutgoingAsync())
            if (message?.CallBack is { } call)
                called(call);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        await using var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var check = PeerCheck.Anyone(TimeProvider.System);
        try
        {
            await tls.AuthenticateAsServerAsync(PinnedTls.Server(Identity, check, new SslApplicationProtocol(RelayProtocol.Name)), _stop.Token);
        }
        catch (Exception refused) when (refused is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            return;
        }
        var end = new RelayEnd(check.Pin!, PipeReader.Create(new Recorded(tls, _seen)), PipeWriter.Create(tls), socket.Dispose);
        await Service.ServeAsync(end, _stop.Token);
    }

    /// <summary>Keeps what is read.</summary>
    private sealed class Recorded(Stream inner, MemoryStream seen) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            lock (seen)
                seen.Write(buffer.Span[..count]);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
