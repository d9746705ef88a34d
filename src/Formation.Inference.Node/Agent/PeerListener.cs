using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Agent;

/// <summary>
/// Where peers come in: over the one port on which they dial a node, and through relays. TLS asks each for its key; who is not among the peers is refused, and a connection is cut as soon as
/// its peer is removed. What is spoken behind the handshake is the choice of the protocol (ALPN).
/// </summary>
public sealed class PeerListener : IAsyncDisposable
{
    /// <summary>Open connections at once; further ones are closed. A stranger costs a handshake and no more.</summary>
    public const int MaximumConnections = 1024;

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Dialler, bool> _open = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket? _socket;
    private readonly NodeIdentity _identity;
    private readonly PeerDirectory _peers;
    private readonly IReadOnlyDictionary<string, PeerHandler> _protocols;
    private readonly SslApplicationProtocol[] _offered;
    private readonly TimeProvider _clock;
    private readonly Task _accepting;

    private PeerListener(Socket? socket, NodeIdentity identity, PeerDirectory peers, IReadOnlyDictionary<string, PeerHandler> protocols, TimeProvider clock)
    {
        _socket = socket;
        _identity = identity;
        _peers = peers;
        _protocols = protocols;
        _offered = [.. protocols.Keys.Select(protocol => new SslApplicationProtocol(protocol))];
        _clock = clock;
        Endpoint = socket?.LocalEndPoint as IPEndPoint;
        peers.Changed += CutRemoved;
        _accepting = socket is null ? Task.CompletedTask : AcceptAsync(socket);
    }

    /// <summary>What is listened on, with the port as it turned out; null where nobody can dial.</summary>
    public IPEndPoint? Endpoint { get; }

    /// <summary>Connections of peers, past the handshake or in it.</summary>
    public int OpenConnections => _open.Count;

    /// <param name="endpoint">Where to listen; port 0 takes a free one, and null lets those in alone that come through relays.</param>
    /// <param name="identity">Who listens.</param>
    /// <param name="peers">Who may dial.</param>
    /// <param name="protocols">What is served, at least one, by the name that a dialler asks for.</param>
    /// <param name="clock">For time limits.</param>
    /// <exception cref="IOException">The address can't be listened on.</exception>
    public static PeerListener Start(
        IPEndPoint? endpoint, NodeIdentity identity, PeerDirectory peers, IReadOnlyDictionary<string, PeerHandler> protocols, TimeProvider clock)
    {
        if (endpoint is null)
            return new PeerListener(null, identity, peers, protocols, clock);
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen();
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"{endpoint} can't be listened on: {error.SocketErrorCode}", error);
        }
        return new PeerListener(socket, identity, peers, protocols, clock);
    }

    public async ValueTask DisposeAsync()
    {
        _peers.Changed -= CutRemoved;
        _stop.Cancel();
        _socket?.Dispose();
        foreach (var dialler in _open.Keys)
            dialler.Cut();
        await _accepting;
        await Task.WhenAll(_open.Keys.Select(dialler => dialler.Serving));
        _stop.Dispose();
    }

    /// <summary>Lets somebody in who came through a relay: as through the port, once the key is proved.</summary>
    /// <param name="connection">Belongs to the listener from here on.</param>
    public void Accept(RelayedConnection connection) => Accept(connection.Stream, connection.Abort);

    private void Accept(Stream transport, Action cut)
    {
        var dialler = new Dialler(transport, cut);
        if (_open.Count >= MaximumConnections || _stop.IsCancellationRequested)
        {
            dialler.Cut();
            transport.Dispose();
            dialler.Dispose();
            return;
        }
        _open[dialler] = true;
        dialler.Serving = ServeAsync(dialler);
    }

    private async Task AcceptAsync(Socket listening)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listening.AcceptAsync(_stop.Token);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            // One connection that breaks while it is accepted, or too many files open, ends nobody else's.
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), _clock);
                continue;
            }
            socket.NoDelay = true;
            Accept(new NetworkStream(socket, ownsSocket: true), socket.Dispose);
        }
    }

    private async Task ServeAsync(Dialler dialler)
    {
        await Task.Yield();
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, dialler.WasCut);
            await using var stream = new SslStream(dialler.Transport);
            if (await AuthenticateAsync(stream, dialler, ended.Token) is { } peer
                && _protocols.TryGetValue(stream.NegotiatedApplicationProtocol.ToString(), out var handler))
                await handler(peer, stream, ended.Token);
        }
        // Whatever a peer's bytes lead to, it costs this connection and no other.
        catch (Exception)
        {
        }
        finally
        {
            dialler.Transport.Dispose();
            _open.TryRemove(dialler, out _);
            dialler.Dispose();
        }
    }

    private async Task<NodePeer?> AuthenticateAsync(SslStream stream, Dialler dialler, CancellationToken ended)
    {
        using var timeout = new CancellationTokenSource(HandshakeTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ended);
        var check = _peers.CheckAny(_clock);
        await stream.AuthenticateAsServerAsync(PinnedTls.Server(_identity, check, _offered), either.Token);
        // Noted before it is looked up again, so that a removal in between is seen on one side or the other.
        dialler.Pin = check.Pin;
        return check.Pin is { } pin ? _peers.Find(pin) : null;
    }

    private void CutRemoved()
    {
        foreach (var dialler in _open.Keys)
            if (dialler.Pin is { } pin && _peers.Find(pin) is null)
                dialler.Cut();
    }

    private sealed class Dialler(Stream transport, Action cut) : IDisposable
    {
        private readonly CancellationTokenSource _cut = new();
        private volatile KeyPin? _pin;

        public Stream Transport { get; } = transport;

        public KeyPin? Pin
        {
            get => _pin;
            set => _pin = value;
        }

        public Task Serving { get; set; } = Task.CompletedTask;

        public CancellationToken WasCut => _cut.Token;

        public void Cut()
        {
            try
            {
                _cut.Cancel();
            }
            // It ended by itself meanwhile.
            catch (ObjectDisposedException)
            {
            }
            cut();
        }

        public void Dispose() => _cut.Dispose();
    }
}
