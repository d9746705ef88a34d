using System.Security.Cryptography;
using System.Text;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Relays;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Tests.Weights;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Peers;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Relays;

/// <summary>A node without a port, reached through a relay by others, over real connections on loopback.</summary>
public sealed class RelayedNodeTests : IAsyncLifetime
{
    private const string Echo = "test-echo/1";

    private readonly TemporaryDirectory _folder = new();
    private readonly TestRelay _relay = new();
    private readonly NodeIdentity _hidden = NodeIdentity.CreateInMemory(TimeProvider.System);
    private readonly NodeIdentity _caller = NodeIdentity.CreateInMemory(TimeProvider.System);
    private readonly PeerDirectory _known = new();
    private readonly Dictionary<string, PeerHandler> _protocols = new()
    {
        [PeerProbe.Protocol] = PeerProbe.Answers(TimeProvider.System),
        [Echo] = EchoAsync,
    };

    private PeerListener _listener = null!;
    private RelayDoor _door = null!;

    private static CancellationToken None => CancellationToken.None;

    private NodePeer Hidden => new("hidden", _hidden.Pin, [_relay.Address], IsOnline: true);

    public ValueTask InitializeAsync()
    {
        _known.Replace([new NodePeer("caller", _caller.Pin, [], IsOnline: true)]);
        _listener = PeerListener.Start(null, _hidden, _known, _protocols, TimeProvider.System);
        _door = new RelayDoor(_relay.DialerOf(_hidden));
        _door.Open(_listener.Accept);
        _relay.Connect("hidden", _hidden.Pin, Answer);
        _relay.Connect("caller", _caller.Pin, _ => { });
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _door.Dispose();
        await _listener.DisposeAsync();
        await _relay.DisposeAsync();
        _hidden.Dispose();
        _caller.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_way_to_it_is_measured_and_told_as_one_through_a_relay()
    {
        var link = await PeerProbe.MeasureAsync(_caller, Hidden, TimeProvider.System, _relay.DialerOf(_caller), None);
        Assert.True(link.IsRelayed);
        Assert.True(link.RoundTrip > TimeSpan.Zero && link.BytesPerSecond > 0);
    }

    [Fact]
    public async Task An_address_that_can_be_dialled_is_taken_first()
    {
        await using var open = TestNode.Probed("open");
        open.Peers.Replace([new NodePeer("caller", _caller.Pin, [], IsOnline: true)]);
        var both = open.AsPeer with { Addresses = [_relay.Address, .. open.AsPeer.Addresses] };
        Assert.False((await PeerProbe.MeasureAsync(_caller, both, TimeProvider.System, _relay.DialerOf(_caller), None)).IsRelayed);
    }

    [Fact]
    public async Task Where_nobody_answers_at_its_address_it_is_reached_through_the_relay()
    {
        var moved = Hidden with { Addresses = ["127.0.0.1:1", _relay.Address] };
        Assert.True((await PeerProbe.MeasureAsync(_caller, moved, TimeProvider.System, _relay.DialerOf(_caller), None)).IsRelayed);
    }

    [Fact]
    public async Task Its_weights_are_fetched_through_the_relay()
    {
        using var weights = await TinyWeights.BuildAsync();
        using var served = weights.Serve();
        using var server = new WeightPeerServer(_ => served, TimeProvider.System);
        _protocols[WeightPeerServer.Protocol] = server.ServeAsync;
        await _listener.DisposeAsync();
        _listener = PeerListener.Start(null, _hidden, _known, _protocols, TimeProvider.System);
        _door.Open(_listener.Accept);
        using var source = new PeerChunkSource(_caller, Hidden, TimeProvider.System, _relay.DialerOf(_caller));
        var fetcher = new WeightFetcher(new WeightStore(_folder.File("store"), TimeProvider.System), new FetchOptions(), TimeProvider.System, _ => { });

        using var fetched = await fetcher.EnsureAsync(new WeightRequest(weights.Manifest.Digest, TinyWeights.Middle) { Sources = [source] }, null, None);

        Assert.Equal(["hidden"], fetched.Counters.BytesBySource.Keys);
    }

    [Fact]
    public async Task The_gateway_reaches_it_from_inside_its_process()
    {
        _known.Replace([.. _known.All, new NodePeer("gateway", _relay.Identity.Pin, [], IsOnline: true)]);
        await using var stream = (await PeerConnection.ConnectAsync(_relay.Identity, Hidden, Echo, TimeProvider.System, _relay.OwnDialer, None)).Stream;
        await AssertEchoesAsync(stream, RandomNumberGenerator.GetBytes(300_000));
    }

    [Fact]
    public async Task The_relay_sees_neither_what_is_said_nor_who_says_it()
    {
        var said = Encoding.ASCII.GetBytes("the quick brown fox jumps over the lazy dog");
        await using (var stream = (await PeerConnection.ConnectAsync(_caller, Hidden, Echo, TimeProvider.System, _relay.DialerOf(_caller), None)).Stream)
            await AssertEchoesAsync(stream, said);
        var seen = _relay.Seen;

        // The handshake of the two ends did pass here: it names the protocol, and the certificates are behind it, encrypted.
        Assert.True(seen.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Echo)) >= 0);
        Assert.True(seen.AsSpan().IndexOf(said) < 0);
        foreach (var identity in new[] { _caller, _hidden })
        {
            Assert.True(seen.AsSpan().IndexOf(identity.Certificate.PublicKey.EncodedKeyValue.RawData) < 0);
            Assert.True(seen.AsSpan().IndexOf(identity.Certificate.SubjectName.RawData) < 0);
        }
    }

    [Fact]
    public async Task Whom_the_node_does_not_know_gets_no_further_than_its_handshake()
    {
        _known.Replace([]);
        var error = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using var stream = (await PeerConnection.ConnectAsync(_caller, Hidden, Echo, TimeProvider.System, _relay.DialerOf(_caller), None)).Stream;
            await AssertEchoesAsync(stream, [1]);
        });
        Assert.True(error is IOException or PeerUnreachableException, error.ToString());
    }

    [Fact]
    public async Task A_relay_that_joins_somebody_else_is_found_out()
    {
        using var other = NodeIdentity.CreateInMemory(TimeProvider.System);
        await using var listener = PeerListener.Start(null, other, _known, _protocols, TimeProvider.System);
        // The node's own answer, with another one's key behind it: as far as a relay that lies could get.
        _door.Open(listener.Accept);
        var error = await Assert.ThrowsAsync<PeerUnreachableException>(
            () => PeerConnection.ConnectAsync(_caller, Hidden, Echo, TimeProvider.System, _relay.DialerOf(_caller), None));
        Assert.Contains("another machine", error.Message);
    }

    [Fact]
    public async Task A_stranger_is_not_relayed_to_anybody()
    {
        using var stranger = NodeIdentity.CreateInMemory(TimeProvider.System);
        var error = await Assert.ThrowsAsync<RelayException>(() => _relay.DialerOf(stranger).CallAsync(_relay.Identity.Pin, _hidden.Pin, None));
        Assert.Equal(RelayStatus.Refused, error.Status);
    }

    [Fact]
    public async Task Another_machine_in_the_place_of_the_relay_is_told_nothing()
    {
        await using var other = new TestRelay();
        var dialer = new RelayDialer(_caller, () => [new KnownGateway(_relay.Identity.Pin, other.AsGateway.Urls)], TimeProvider.System);
        await Assert.ThrowsAsync<IOException>(() => dialer.CallAsync(_relay.Identity.Pin, _hidden.Pin, None));
        Assert.Empty(other.Seen);
    }

    [Fact]
    public async Task Its_connections_are_cut_when_it_is_removed()
    {
        await using var stream = (await PeerConnection.ConnectAsync(_caller, Hidden, Echo, TimeProvider.System, _relay.DialerOf(_caller), None)).Stream;
        await AssertEchoesAsync(stream, [1, 2, 3]);

        _relay.Registry.Remove("hidden");

        Assert.True(await EndsAsync(stream));
        await Eventually.TrueAsync(() => _relay.Service.Count == 0);
    }

    private static async Task<bool> EndsAsync(Stream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task AssertEchoesAsync(Stream stream, byte[] bytes)
    {
        var writing = stream.WriteAsync(bytes);
        var back = new byte[bytes.Length];
        await stream.ReadExactlyAsync(back).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        await writing;
        Assert.Equal(bytes, back);
    }

    private static async Task EchoAsync(NodePeer peer, System.Net.Security.SslStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, cancellationToken) is var count and > 0)
            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
    }

    private void Answer(CallBack call) => _door.Answer(new RelayCall(_relay.Identity.Pin, call.Ticket.ToByteArray()));
}
