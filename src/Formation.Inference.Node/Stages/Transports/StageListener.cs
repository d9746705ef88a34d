using System.Net;
using System.Net.Sockets;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Accepts channels: on a Unix socket of this host, or over TCP and TLS. A bounded number of handshakes run at once.</summary>
public sealed class StageListener : IDisposable
{
    // A peer that connects and says nothing holds a place until the timeout; more of them are turned away at once.
    const int MaxHandshakes = 32;

    readonly Socket _socket;
    readonly Func<Socket, StageChannel> _handshake;
    readonly Action<StageChannel> _accepted;
    readonly Action<string> _refused;
    readonly string? _path;
    int _handshakes;

    StageListener(
        Socket socket, string address, string? path, Func<Socket, StageChannel> handshake, Action<StageChannel> accepted,
        Action<string>? refused)
    {
        (_socket, Address, _path, _handshake, _accepted) = (socket, address, path, handshake, accepted);
        _refused = refused ?? (static _ => { });
        new Thread(Accept) { IsBackground = true, Name = "stage listener" }.Start();
    }

    /// <summary>Where others dial it.</summary>
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
            peer => StageChannel.Over(peer, new NetworkStream(peer, ownsSocket: true), PeerIdentity.SameHost), accepted, null);
    }

    /// <summary>Listens on a TCP port, and lets in who shows a known certificate over TLS 1.3.</summary>
    /// <param name="endPoint">Port 0 for any that is free.</param>
    /// <param name="accepted">Gets each channel on a thread of its own, and owns it.</param>
    /// <param name="refused">Told why somebody was not let in, or null.</param>
    /// <param name="timeout">For each step of the handshake. Default 5 s.</param>
    public static StageListener Tls(
        IPEndPoint endPoint, StageCredentials credentials, Action<StageChannel> accepted, Action<string>? refused = null,
        TimeSpan? timeout = null)
    {
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
        var patience = timeout ?? TimeSpan.FromSeconds(5);
        return new StageListener(socket, $"tcp:{socket.LocalEndPoint}", null, Handshake, accepted, refused)
        {
            Port = ((IPEndPoint)socket.LocalEndPoint!).Port,
        };

        StageChannel Handshake(Socket peer)
        {
            peer.NoDelay = true;
            return TlsHandshake.AsServer(peer, credentials, patience);
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        if (_path is not null)
            File.Delete(_path);
    }

    void Accept()
    {
        while (true)
        {
            Socket peer;
            try
            {
                peer = _socket.Accept();
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
            if (Interlocked.Increment(ref _handshakes) > MaxHandshakes)
            {
                Interlocked.Decrement(ref _handshakes);
                peer.Dispose();
                _refused($"more than {MaxHandshakes} handshakes at once");
                continue;
            }
            new Thread(() => Shake(peer)) { IsBackground = true, Name = "stage handshake" }.Start();
        }
    }

    void Shake(Socket peer)
    {
        try
        {
            _accepted(_handshake(peer));
        }
        catch (Exception failure)
        {
            // Whatever a stranger's bytes lead to, it costs this connection and not the process.
            peer.Dispose();
            _refused(failure.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }
    }
}
