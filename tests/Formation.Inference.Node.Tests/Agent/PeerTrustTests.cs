using System.Net;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Tests.Fakes;

namespace Formation.Inference.Node.Tests.Agent;

/// <summary>The data plane's own connections, with the keys and peers that the control plane gives them.</summary>
public sealed class PeerTrustTests : IAsyncLifetime
{
    private readonly TestNode _server = TestNode.Probed("server");
    private readonly TestNode _client = TestNode.Probed("client");
    private readonly TestNode _stranger = TestNode.Probed("stranger");
    private readonly TaskCompletionSource<StageChannel> _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StageListener _listener = null!;

    public ValueTask InitializeAsync()
    {
        _listener = StageListener.Tls(
            new IPEndPoint(IPAddress.Loopback, 0), PeerTrust.CredentialsOf(_server.Identity, _server.Peers), channel => _accepted.TrySetResult(channel));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _server.DisposeAsync();
        await _client.DisposeAsync();
        await _stranger.DisposeAsync();
    }

    [Fact]
    public async Task A_stage_lets_in_whom_the_gateway_names_and_knows_who_that_is()
    {
        _server.Knows(_client);
        using var dialled = await DialAsync(_client, PeerTrust.IdentityOf(_server.AsPeer));
        using var accepted = await _accepted.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(PeerTrust.IdentityOf(_client.AsPeer), accepted.Peer);
        Assert.Equal(_server.Identity.Pin.Text, dialled.Peer.Pin?.Text);
    }

    [Fact]
    public async Task A_peer_that_was_removed_and_a_stranger_get_no_channel()
    {
        _server.Knows(_client);
        _server.Knows();
        foreach (var node in (TestNode[])[_client, _stranger])
        {
            try
            {
                using var dialled = await DialAsync(node, PeerTrust.IdentityOf(_server.AsPeer));
                // In TLS 1.3 the dialler's handshake ends before the other side has looked at its key.
                Assert.Equal(0, dialled.Stream.Read(new byte[1]));
            }
            catch (Exception refused) when (refused is StageConnectException or IOException)
            {
            }
        }
        Assert.False(_accepted.Task.IsCompleted);
    }

    [Fact]
    public async Task Another_key_than_the_gateway_names_is_not_the_peer_that_was_meant()
    {
        _server.Knows(_client);
        await Assert.ThrowsAsync<StageConnectException>(() => DialAsync(_client, PeerTrust.IdentityOf(_stranger.AsPeer)));
    }

    private Task<StageChannel> DialAsync(TestNode node, PeerIdentity expected) =>
        new StageDialer(PeerTrust.CredentialsOf(node.Identity, node.Peers)).DialAsync(_listener.Address, expected, CancellationToken.None).AsTask();
}
