using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Tests.Fakes;

namespace Formation.Inference.Node.Tests.Agent;

/// <summary>Connections between nodes over real TLS on loopback, with peers that are not who they should be.</summary>
public sealed class PeerListenerTests : IAsyncLifetime
{
    private const string Echo = "test-echo/1";
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestNode _server = new("server", new() { [Echo] = EchoAsync, [PeerProbe.Protocol] = PeerProbe.Answers(TimeProvider.System) });
    private readonly TestNode _client = TestNode.Probed("client");
    private readonly TestNode _other = TestNode.Probed("other");

    public ValueTask InitializeAsync()
    {
        _server.Knows(_client);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _client.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Two_nodes_that_know_each_other_speak_over_tls_1_3()
    {
        await using var stream = await _client.DialAsync(_server.AsPeer, Echo);
        Assert.Equal(SslProtocols.Tls13, stream.SslProtocol);
        Assert.True(stream.IsMutuallyAuthenticated);
        Assert.Equal("client says hi", await AskAsync(stream, "hi"));
    }

    [Fact]
    public async Task A_certificate_that_the_node_does_not_know_gets_nothing() =>
        await AssertIsCutAsync(() => _other.DialAsync(_server.AsPeer, Echo));

    [Fact]
    public async Task The_right_certificate_at_the_address_of_another_node_is_refused_by_the_one_who_dials()
    {
        var mistaken = _other.AsPeer with { Addresses = _server.AsPeer.Addresses };
        var error = await Assert.ThrowsAsync<PeerUnreachableException>(
            () => _client.DialAsync(mistaken, Echo));
        Assert.Contains(CertificateCheck.Describe(CertificateFault.WrongPeer), error.Message);
    }

    [Fact]
    public async Task The_next_address_is_tried_where_the_first_one_is_dead()
    {
        var peer = _server.AsPeer with { Addresses = ["127.0.0.1:1", .. _server.AsPeer.Addresses] };
        await using var stream = await _client.DialAsync(peer, Echo);
        Assert.Equal("client says hi", await AskAsync(stream, "hi"));
    }

    [Fact]
    public async Task A_peer_without_an_address_is_told_as_such()
    {
        var error = await Assert.ThrowsAsync<PeerUnreachableException>(
            () => _client.DialAsync(_server.AsPeer with { Addresses = [] }, Echo));
        Assert.Contains("no address", error.Message);
    }

    [Fact]
    public async Task Tls_1_2_is_refused() => await AssertIsCutAsync(async () =>
    {
        var stream = await ConnectAsync();
        var options = PinnedTls.Client(_client.Identity, PeerCheck.For(_server.Identity.Pin, TimeProvider.System), new SslApplicationProtocol(Echo));
#pragma warning disable CA5398, SYSLIB0039 // The version is what is refused.
        options.EnabledSslProtocols = SslProtocols.Tls12;
#pragma warning restore CA5398, SYSLIB0039
        await stream.AuthenticateAsClientAsync(options);
        return stream;
    });

    [Fact]
    public async Task No_certificate_at_all_is_refused() => await AssertIsCutAsync(async () =>
    {
        var stream = await ConnectAsync();
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "formation",
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
            ApplicationProtocols = [new SslApplicationProtocol(Echo)],
        });
        return stream;
    });

    [Fact]
    public async Task A_protocol_that_is_not_served_is_refused() =>
        await AssertIsCutAsync(() => _client.DialAsync(_server.AsPeer, "nonsense/1"));

    [Fact]
    public async Task Plain_text_and_noise_end_their_own_connection_and_nobody_elses()
    {
        await using var good = await _client.DialAsync(_server.AsPeer, Echo);
        var random = new Random(7);
        for (var i = 0; i < 20; i++)
        {
            using var noise = new TcpClient();
            await noise.ConnectAsync(_server.Listener.Endpoint!);
            var bytes = new byte[random.Next(1, 4096)];
            random.NextBytes(bytes);
            await noise.GetStream().WriteAsync(bytes);
        }
        Assert.Equal("client says still here", await AskAsync(good, "still here"));
        await Eventually.TrueAsync(() => _server.Listener.OpenConnections == 1);
    }

    [Fact]
    public async Task A_removed_peer_is_cut_at_once_and_the_others_stay()
    {
        _server.Knows(_client, _other);
        await using var removed = await _client.DialAsync(_server.AsPeer, Echo);
        await using var other = await _other.DialAsync(_server.AsPeer, Echo);
        Assert.Equal("client says hi", await AskAsync(removed, "hi"));
        Assert.Equal("other says hi", await AskAsync(other, "hi"));

        _server.Knows(_other);

        await AssertEndsAsync(removed);
        Assert.Equal("other says hi again", await AskAsync(other, "hi again"));
        await AssertIsCutAsync(() => _client.DialAsync(_server.AsPeer, Echo));
    }

    [Fact]
    public void An_address_that_is_taken_is_told()
    {
        var error = Assert.Throws<IOException>(
            () => PeerListener.Start(_server.Listener.Endpoint!, _other.Identity, _other.Peers, new Dictionary<string, PeerHandler>(), TimeProvider.System));
        Assert.Contains(_server.Listener.Endpoint!.ToString(), error.Message);
    }

    [Fact]
    public async Task A_probe_measures_round_trip_and_bandwidth()
    {
        var link = await PeerProbe.MeasureAsync(_client.Identity, _server.AsPeer, TimeProvider.System, relays: null, None);
        Assert.Equal("server", link.Peer);
        Assert.True(link.RoundTrip > TimeSpan.Zero);
        Assert.True(link.BytesPerSecond > 0);
        Assert.False(link.IsRelayed);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData((8 << 20) + 1)]
    public async Task A_probe_that_promises_too_much_is_cut(int length)
    {
        await using var stream = await _client.DialAsync(_server.AsPeer, PeerProbe.Protocol);
        await stream.WriteAsync((byte[])[2, 0, 0, 0, .. BitConverter.GetBytes(length)]);
        await AssertEndsAsync(stream);
    }

    [Fact]
    public async Task A_peer_that_answers_no_probe_has_no_measured_way()
    {
        await using var silent = new TestNode("silent", new() { [PeerProbe.Protocol] = (_, _, _) => Task.CompletedTask });
        silent.Knows(_client);
        await Assert.ThrowsAsync<PeerUnreachableException>(() => PeerProbe.MeasureAsync(_client.Identity, silent.AsPeer, TimeProvider.System, relays: null, None));
    }

    private static async Task EchoAsync(NodePeer peer, SslStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[256];
        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{peer.Name} says {System.Text.Encoding.UTF8.GetString(buffer, 0, count)}"), cancellationToken);
    }

    private static async Task<string> AskAsync(SslStream stream, string text)
    {
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
        var buffer = new byte[256];
        return System.Text.Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer));
    }

    private async Task<SslStream> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_server.Listener.Endpoint!);
        return new SslStream(new NetworkStream(socket, ownsSocket: true));
    }

    // In TLS 1.3 the dialler's handshake may end before the other side has looked at its certificate: then the first read shows it.
    private static async Task AssertIsCutAsync(Func<Task<SslStream>> dial)
    {
        SslStream stream;
        try
        {
            stream = await dial().WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (Exception error) when (error is AuthenticationException or IOException or PeerUnreachableException)
        {
            return;
        }
        await using (stream)
            await AssertEndsAsync(stream);
    }

    private static async Task AssertEndsAsync(SslStream stream)
    {
        try
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        }
        catch (IOException)
        {
        }
    }
}
