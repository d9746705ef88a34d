using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Node.Agent;

/// <summary>Serves one connection of a peer; the listener closes the connection behind it.</summary>
/// <param name="peer">Who dialled, as its key proved.</param>
/// <param name="stream">The connection, behind the handshake.</param>
/// <param name="cancellationToken">Cancelled when the node stops or the peer is removed.</param>
public delegate Task PeerHandler(NodePeer peer, SslStream stream, CancellationToken cancellationToken);

/// <summary>A peer can't be reached, or is not the one that was meant.</summary>
public sealed class PeerUnreachableException(string message) : Exception(message);

/// <summary>Dials peers.</summary>
public static class PeerConnection
{
    /// <summary>How long one address may take, handshake included.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Dials a peer's addresses in turn until one answers with the peer's key.</summary>
    /// <param name="protocol">What is to be spoken (ALPN).</param>
    /// <exception cref="PeerUnreachableException">None does; the message tells of the last one.</exception>
    public static async Task<SslStream> DialAsync(
        NodeIdentity identity, NodePeer peer, string protocol, TimeProvider clock, CancellationToken cancellationToken)
    {
        var trouble = "it has no address that can be dialled";
        foreach (var address in peer.Addresses)
        {
            if (!HostAndPort.TryParse(address, out var host, out var port))
                continue;
            var check = PeerCheck.For(peer.Pin, clock);
            using var timeout = new CancellationTokenSource(DialTimeout, clock);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(host, port, ended.Token);
                var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
                await stream.AuthenticateAsClientAsync(PinnedTls.Client(identity, check, new SslApplicationProtocol(protocol)), ended.Token);
                if (stream.NegotiatedApplicationProtocol == new SslApplicationProtocol(protocol))
                    return stream;
                await stream.DisposeAsync();
                trouble = $"{address} does not speak {protocol}";
            }
            catch (Exception error) when (error is SocketException or IOException or AuthenticationException or OperationCanceledException)
            {
                socket.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                trouble = check.Fault is { } fault ? $"{address}: {CertificateCheck.Describe(fault)}" : $"{address}: {Describe(error)}";
            }
        }
        throw new PeerUnreachableException($"{peer.Name} can't be reached: {trouble}");
    }

    private static string Describe(Exception error) => error switch
    {
        SocketException socket => socket.SocketErrorCode.ToString(),
        OperationCanceledException => $"no answer within {DialTimeout.TotalSeconds:0} s",
        AuthenticationException => "the TLS handshake failed",
        _ => "the connection broke",
    };
}
