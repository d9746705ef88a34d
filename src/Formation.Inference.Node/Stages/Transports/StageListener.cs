using System.Net;
using System.Net.Sockets;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Accepts channels: on a Unix socket of this host, over TCP and TLS, or through relays. A bounded number of handshakes run at once.</summary>
public sealed class StageListener : IDisposable
{
    // A peer that connects and says nothing holds a place until the timeout; more of them are turned away at once.
    const int MaxHandshakes = 32;

    readonly Socket? _socket;
    readonly Func<Stream, Action, StageChannel> _handshake;
    readonly Action<StageChannel> _accepted;
    readonly Action<string> _refused;
    readonly string? _path;
    int _handshakes;

    StageListener(
        Socket? socket, string address, string? path, Func<Stream, Action, StageChannel> handshake, Action<StageChannel> accepted,
        Action<string>? refused)
    {
        (_socket, Address, _path, _handshake, _accepted) = (socket, address, path, handshake, accepted);
        _refused = refused ?? (static _ => { });
        if (socket is not null)
            new Thread(() => Accept(socket)) { IsBackground = true, Name = "stage listener" }.Start();
    }

    /// <summary>Where others dial it; empty where nobody can.</summary>
    public string Address { get; }

    /// <summary>The TCP port, as it turned out; 0 for a socket of this host.</summary>
    public int Port { get; private init; }

    /// <summary>Listens on a socket in the file system, which only this user may open.</summary>
    /// <param name="path">Made new; at most 107 bytes.</param>
    /// <param name="accepted">Gets each channel on a thread of its own, and owns it.</param>
    public static StageListener Unix(string path, Action<StageChannel> accepted)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(MaxHandshakes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new StageListener(
            socket, $"unix:{path}", path,
            (stream, abort) => new StageChannel(stream, PeerIdentity.SameHost, abort) { Transport = stream as SpinningStream }, accepted, null);
    }

    /// <summary>Listens on a TCP port, and lets in who shows a known certificate over TLS 1.3.</summary>
    /// <param name="endPoint">Port 0 for any that is free; null to let those in alone that come through relays.</param>
    /// <param name="accepted">Gets each channel on a thread of its own, and owns it.</param>
    /// <param name="refused">Told why somebody was not let in, or null.</param>
    /// <param name="timeout">For each step of the handshake. Default 5 s.</param>
    public static StageListener Tls(
        IPEndPoint? endPoint, StageCredentials credentials, Action<StageChannel> accepted, Action<string>? refused = null,
        TimeSpan? timeout = null)
    {
        var patience = timeout ?? TimeSpan.FromSeconds(5);
        if (endPoint is null)
            return new StageListener(null, "", null, Handshake, accepted, refused);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(MaxHandshakes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new StageListener(socket, $"tcp:{socket.LocalEndPoint}", null, Handshake, accepted, refused)
        {
            Port = ((IPEndPoint)socket.LocalEndPoint!).Port,
        };

        StageChannel Handshake(Stream transport, Action abort) => TlsHandshake.AsServer(transport, abort, credentials, patience);
    }

    /// <summary>Lets somebody in who came through a relay: as through the port, once the key is proved. Returns at once.</summary>
    /// <param name="connection">Belongs to the listener from here on.</param>
    public void Accept(RelayedConnection connection) => Shake(connection.Stream, connection.Abort);

    public void Dispose()
    {
        _socket?.Dispose();
        if (_path is not null)
            File.Delete(_path);
    }

    void Accept(Socket listening)
    {
        while (true)
        {
            Socket peer;
            try
            {
                peer = listening.Accept();
            }
            catch (Exception over)
                when (over is ObjectDisposedException or SocketException { SocketErrorCode: not SocketError.TooManyOpenSockets })
            {
                return;
            }
            catch (SocketException)
            {
                // All descriptors are taken; the peers wait in the queue until one is free.
                Thread.Sleep(100);
                continue;
            }
            if (peer.ProtocolType == ProtocolType.Tcp)
                peer.NoDelay = true;
            Shake(new SpinningStream(peer), () => StageChannel.Shutdown(peer));
        }
    }

    void Shake(Stream transport, Action abort)
    {
        if (Interlocked.Increment(ref _handshakes) > MaxHandshakes)
        {
            Interlocked.Decrement(ref _handshakes);
            transport.Dispose();
            _refused($"more than {MaxHandshakes} handshakes at once");
            return;
        }
        new Thread(() => Complete(transport, abort)) { IsBackground = true, Name = "stage handshake" }.Start();
    }

    void Complete(Stream transport, Action abort)
    {
        try
        {
            _accepted(_handshake(transport, abort));
        }
        catch (Exception failure)
        {
            // Whatever a stranger's bytes lead to, it costs this connection and not the process.
            transport.Dispose();
            _refused(failure.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }
    }
}
