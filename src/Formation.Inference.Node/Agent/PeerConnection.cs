using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Relays;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Agent;

/// <summary>Serves one connection of a peer; the listener closes the connection behind it.</summary>
/// <param name="peer">Who dialled, as its key proved.</param>
/// <param name="stream">The connection, behind the handshake.</param>
/// <param name="cancellationToken">Cancelled when the node stops or the peer is removed.</param>
public delegate Task PeerHandler(NodePeer peer, SslStream stream, CancellationToken cancellationToken);

/// <summary>A peer can't be reached, or is not the one that was meant.</summary>
public sealed class PeerUnreachableException(string message) : Exception(message);

/// <summary>A way to a peer that has proved its key.</summary>
/// <param name="Stream">Belongs to whoever asked for it.</param>
/// <param name="IsRelayed">Whether it leads through a gateway.</param>
/// <param name="RoundTrip">The way there and back: of the first packet where the peer was dialled, of the handshake where it was relayed.</param>
public readonly record struct PeerStream(SslStream Stream, bool IsRelayed, TimeSpan RoundTrip);

/// <summary>Dials peers.</summary>
public static class PeerConnection
{
    /// <summary>How long one address may take, handshake included.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(3);

    /// <summary>How long all addresses together may take where a relay may be tried instead: one that answers at all does it sooner.</summary>
    private static readonly TimeSpan DialTimeoutBeforeRelay = TimeSpan.FromSeconds(1.5);

    /// <summary>For a relay, which waits for the peer to call back.</summary>
    private static readonly TimeSpan RelayTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Dials a peer's addresses in turn until one answers with the peer's key, those that lead through a relay last.</summary>
    /// <param name="protocol">What is to be spoken (ALPN).</param>
    /// <param name="relays">Reaches those that can't be dialled, or null where that is not wanted.</param>
    /// <exception cref="PeerUnreachableException">None does; the message tells of the last one.</exception>
    public static async Task<PeerStream> ConnectAsync(
        NodeIdentity identity, NodePeer peer, string protocol, TimeProvider clock, IRelayDialer? relays, CancellationToken cancellationToken)
    {
        var trouble = "it has no address that can be dialled";
        var gateways = relays is null ? [] : PeerAddress.Gateways(peer.Addresses);
        var direct = gateways.Count > 0 && relays!.Unanswered.Contains(peer.Pin) ? [] : peer.Addresses.Where(PeerAddress.IsDirect).ToList();
        using var patience = new CancellationTokenSource(gateways.Count > 0 ? DialTimeoutBeforeRelay : Timeout.InfiniteTimeSpan, clock);
        foreach (var address in direct)
        {
            HostAndPort.TryParse(address, out var host, out var port);
            var dialled = TimeSpan.Zero;
            var (stream, _, fault) = await TryAsync(
                address,
                async ended =>
                {
                    var start = clock.GetTimestamp();
                    var opened = await DialAsync(host!, port, ended);
                    dialled = clock.GetElapsedTime(start);
                    return opened;
                },
                DialTimeout, patience.Token);
            if (stream is not null)
                return new PeerStream(stream, IsRelayed: false, dialled);
            trouble = fault;
        }
        foreach (var gateway in gateways)
        {
            var (stream, handshake, fault) = await TryAsync(
                "through a relay", async ended => (await relays!.CallAsync(gateway, peer.Pin, ended)).Stream, RelayTimeout, CancellationToken.None);
            if (stream is not null)
            {
                if (direct.Count > 0)
                    relays!.Unanswered.Add(peer.Pin);
                return new PeerStream(stream, IsRelayed: true, handshake);
            }
            trouble = fault;
        }
        throw new PeerUnreachableException($"{peer.Name} can't be reached: {trouble}");

        async Task<(SslStream? Stream, TimeSpan Handshake, string Trouble)> TryAsync(string way, Func<CancellationToken, Task<Stream>> open, TimeSpan limit, CancellationToken enough)
        {
            var check = PeerCheck.For(peer.Pin, clock);
            using var timeout = new CancellationTokenSource(limit, clock);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, enough, cancellationToken);
            Stream? transport = null;
            try
            {
                transport = await open(ended.Token);
                var stream = new SslStream(transport);
                var start = clock.GetTimestamp();
                await stream.AuthenticateAsClientAsync(PinnedTls.Client(identity, check, new SslApplicationProtocol(protocol)), ended.Token);
                if (stream.NegotiatedApplicationProtocol == new SslApplicationProtocol(protocol))
                    return (stream, clock.GetElapsedTime(start), "");
                await stream.DisposeAsync();
                return (null, default, $"{way} does not speak {protocol}");
            }
            catch (Exception error) when (error is SocketException or IOException or AuthenticationException or OperationCanceledException)
            {
                transport?.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                return (null, default, check.Fault is { } fault ? $"{way}: {CertificateCheck.Describe(fault)}" : $"{way}: {Describe(error)}");
            }
        }
    }

    private static async Task<Stream> DialAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Describe(Exception error) => error switch
    {
        SocketException socket => socket.SocketErrorCode.ToString(),
        OperationCanceledException => "no answer in time",
        RelayException relay => relay.Message,
        AuthenticationException => "the TLS handshake failed",
        _ => "the connection broke",
    };
}
