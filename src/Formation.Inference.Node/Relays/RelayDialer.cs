using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Relays;

namespace Formation.Inference.Node.Relays;

/// <summary>Dials the relays of gateways, on the port that they have for nodes. Safe to use from any thread.</summary>
/// <param name="identity">Who dials: the node, or a worker of it. Outlives the dialer.</param>
/// <param name="gateways">The gateways that are known now, and where each of them is reached from here.</param>
/// <param name="clock">For time limits.</param>
public sealed class RelayDialer(NodeIdentity identity, Func<IReadOnlyList<KnownGateway>> gateways, TimeProvider clock) : IRelayDialer
{
    /// <summary>For the connection and the handshake with the relay.</summary>
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(3);

    /// <summary>For the relay's answer: longer than it waits itself for the one who is called.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(8);

    /// <inheritdoc/>
    public UnansweredPeers Unanswered { get; } = new(clock);

    /// <inheritdoc/>
    public Task<RelayedConnection> CallAsync(KeyPin gateway, KeyPin target, CancellationToken cancellationToken) =>
        AskAsync(gateway, RelayProtocol.Question(RelayAsk.Call, target.ToBytes()), cancellationToken);

    /// <summary>Calls back.</summary>
    /// <param name="gateway">The gateway that asks for it.</param>
    /// <param name="ticket">What it said.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="IOException">The call is over, or the relay can't be reached.</exception>
    public Task<RelayedConnection> AnswerAsync(KeyPin gateway, ReadOnlyMemory<byte> ticket, CancellationToken cancellationToken) =>
        AskAsync(gateway, RelayProtocol.Question(RelayAsk.Answer, ticket.Span), cancellationToken);

    private async Task<RelayedConnection> AskAsync(KeyPin gateway, byte[] question, CancellationToken cancellationToken)
    {
        var trouble = "this node does not know the gateway of the relay";
        foreach (var url in gateways().Where(known => known.Pin == gateway).SelectMany(known => known.Urls))
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                return await AskAsync(socket, new Uri(url), gateway, question, cancellationToken);
            }
            catch (RelayException)
            {
                socket.Dispose();
                throw;
            }
            catch (Exception error) when (error is SocketException or IOException or AuthenticationException or OperationCanceledException)
            {
                socket.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                trouble = $"the relay at {url} can't be reached";
            }
        }
        throw new IOException(trouble);
    }

    private async Task<RelayedConnection> AskAsync(Socket socket, Uri url, KeyPin gateway, byte[] question, CancellationToken cancellationToken)
    {
        var stream = await ConnectAsync(socket, url, gateway, cancellationToken);
        await stream.WriteAsync(question, cancellationToken);
        var answer = new byte[RelayProtocol.AnswerBytes];
        using var patience = new CancellationTokenSource(AnswerTime, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        await stream.ReadExactlyAsync(answer, either.Token);
        if (!RelayProtocol.TryReadAnswer(answer, out var status))
            throw new IOException("the relay's answer breaks the protocol");
        return status == RelayStatus.Joined ? RelayedConnection.Over(socket, stream) : throw new RelayException(status);
    }

    private async Task<SslStream> ConnectAsync(Socket socket, Uri url, KeyPin gateway, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(ConnectTime, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        await socket.ConnectAsync(url.IdnHost, url.Port, either.Token);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var protocol = new SslApplicationProtocol(RelayProtocol.Name);
        await stream.AuthenticateAsClientAsync(PinnedTls.Client(identity, PeerCheck.For(gateway, clock), protocol), either.Token);
        return stream.NegotiatedApplicationProtocol == protocol ? stream : throw new IOException("the gateway is no relay");
    }
}
