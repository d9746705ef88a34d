using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class TransportTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly X509Certificate2 _server = NewCertificate();
    readonly X509Certificate2 _client = NewCertificate();
    readonly X509Certificate2 _stranger = NewCertificate();
    readonly TaskCompletionSource<StageChannel> _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<string> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly StageListener _listener;

    public TransportTests()
    {
        var known = PeerIdentity.Of(_client);
        _listener = StageListener.Tls(
            new IPEndPoint(IPAddress.Loopback, 0),
            new StageCredentials(_server, peer => peer == known),
            _accepted.SetResult,
            reason => _refused.TrySetResult(reason));
    }

    [Fact]
    public async Task Both_ends_know_who_the_other_one_is()
    {
        using var channel = await DialAsync(_client, PeerIdentity.Of(_server));
        using var accepted = await _accepted.Task.WaitAsync(Patience);
        channel.Stream.Write([1, 2, 3]);
        var read = new byte[3];
        accepted.Stream.ReadExactly(read);

        Assert.Equal([1, 2, 3], read);
        Assert.Equal(PeerIdentity.Of(_server), channel.Peer);
        Assert.Equal(PeerIdentity.Of(_client), accepted.Peer);
        var tls = Assert.IsType<SslStream>(channel.Stream);
        Assert.Equal(SslProtocols.Tls13, tls.SslProtocol);
        Assert.True(tls.IsMutuallyAuthenticated);
    }

    [Fact]
    public async Task A_stranger_is_not_let_in()
    {
        // In TLS 1.3 a client learns of it with its first read.
        try
        {
            using var channel = await DialAsync(_stranger, PeerIdentity.Of(_server));
            Assert.ThrowsAny<IOException>(() => channel.Stream.ReadByte() < 0 ? throw new IOException("closed") : 0);
        }
        catch (StageConnectException)
        {
        }

        Assert.Contains("is not a known peer", await _refused.Task.WaitAsync(Patience));
        Assert.False(_accepted.Task.IsCompleted);
    }

    [Fact]
    public async Task Somebody_else_at_the_address_is_not_talked_to()
    {
        var failure = await Assert.ThrowsAsync<StageConnectException>(() => DialAsync(_client, PeerIdentity.Of(_stranger)).AsTask());

        Assert.Contains($"{PeerIdentity.Of(_stranger)} is expected there", failure.Message);
        Assert.Contains($"{PeerIdentity.Of(_server)}", failure.Message);
    }

    [Fact]
    public async Task A_peer_without_a_certificate_is_not_let_in()
    {
        await ShakeAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "stage",
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        });

        Assert.Contains("no certificate", await _refused.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task TLS_1_2_is_not_spoken()
    {
        var isRefused = await ShakeAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "stage",
            EnabledSslProtocols = SslProtocols.Tls12,
            ClientCertificates = [_client],
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        });

        Assert.True(isRefused);
        Assert.NotEqual("", await _refused.Task.WaitAsync(Patience));
        Assert.False(_accepted.Task.IsCompleted);
    }

    [Fact]
    public async Task Bytes_that_are_no_TLS_are_refused_and_the_next_peer_is_let_in()
    {
        using (var socket = Connect())
        {
            socket.Send("GET / HTTP/1.1\r\n\r\n"u8);
            await _refused.Task.WaitAsync(Patience);
        }
        using var channel = await DialAsync(_client, PeerIdentity.Of(_server));
        using var accepted = await _accepted.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task An_address_where_nobody_listens_says_so()
    {
        var address = _listener.Address;
        _listener.Dispose();

        var failure = await Assert.ThrowsAsync<StageConnectException>(
            () => new StageDialer(Credentials(_client)).DialAsync(address, PeerIdentity.Of(_server), CancellationToken.None).AsTask());

        Assert.StartsWith(address, failure.Message);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("tcp:127.0.0.1")]
    [InlineData("tcp:127.0.0.1:99999")]
    [InlineData("")]
    public async Task An_address_that_is_none_is_refused(string address) => await Assert.ThrowsAsync<StageConnectException>(
        () => new StageDialer(Credentials(_client)).DialAsync(address, PeerIdentity.Of(_server), CancellationToken.None).AsTask());

    [Fact]
    public async Task A_read_in_progress_ends_when_its_channel_is_aborted()
    {
        using var channel = await DialAsync(_client, PeerIdentity.Of(_server));
        using var accepted = await _accepted.Task.WaitAsync(Patience);
        var read = Task.Run(() => channel.Stream.Read(new byte[1]));
        await Task.Delay(20);

        channel.Abort();

        try
        {
            Assert.Equal(0, await read.WaitAsync(Patience));
        }
        catch (IOException)
        {
        }
    }

    [Fact]
    public async Task A_key_has_the_same_identity_in_every_certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var one = NewCertificate(key, "CN=one");
        using var other = NewCertificate(key, "CN=other");

        Assert.Equal(PeerIdentity.Of(one), PeerIdentity.Of(other));
        Assert.Equal(PeerIdentity.Of(one), PeerIdentity.Of(PeerIdentity.Of(one).Pin!));
        Assert.Equal(PeerIdentity.Of(one), PeerIdentity.FromHash(PeerIdentity.Of(one).ToHash()));
        Assert.NotEqual(PeerIdentity.Of(one), PeerIdentity.Of(_server));
        await Task.CompletedTask;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _server.Dispose();
        _client.Dispose();
        _stranger.Dispose();
    }

    internal static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return NewCertificate(key, "CN=node");
    }

    static X509Certificate2 NewCertificate(ECDsa key, string name) =>
        new CertificateRequest(name, key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));

    static StageCredentials Credentials(X509Certificate2 certificate) => new(certificate, static _ => true);

    ValueTask<StageChannel> DialAsync(X509Certificate2 certificate, PeerIdentity expected) =>
        new StageDialer(Credentials(certificate)).DialAsync(_listener.Address, expected, CancellationToken.None);

    Socket Connect()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPEndPoint.Parse(_listener.Address["tcp:".Length..]));
        return socket;
    }

    /// <summary>Tries a handshake, and a read behind it.</summary>
    /// <returns>Whether either failed.</returns>
    async Task<bool> ShakeAsync(SslClientAuthenticationOptions options)
    {
        await using var tls = new SslStream(new NetworkStream(Connect(), ownsSocket: true));
        try
        {
            await tls.AuthenticateAsClientAsync(options);
            return await tls.ReadAsync(new byte[1]) == 0;
        }
        catch (Exception refusal) when (refusal is AuthenticationException or IOException)
        {
            return true;
        }
    }
}
