using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Dials Unix sockets on this host, and other hosts over TCP and TLS.</summary>
/// <remarks>
/// Sockets are used by blocking threads alone: that is the fastest way here to wait for a message, and one asynchronous call would switch
/// a socket over for good. Hence the threads.
/// </remarks>
/// <param name="credentials">This node's, or null where only sockets of this host are dialled.</param>
/// <param name="timeout">For connecting, and for each step of the handshake. Default 5 s.</param>
public sealed class StageDialer(StageCredentials? credentials = null, TimeSpan? timeout = null) : IStageDialer
{
    const string UnixPrefix = "unix:";
    const string TcpPrefix = "tcp:";

    /// <summary>The address of a machine that is reached under one of these, <c>host:port</c> each, best first.</summary>
    public static string AddressOf(IEnumerable<string> hosts) => TcpPrefix + string.Join(',', hosts);

    readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async ValueTask<StageChannel> DialAsync(string address, PeerIdentity expected, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            return await Task.Factory.StartNew(
                () => Dial(address, expected, deadline.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is SocketException or IOException or ObjectDisposedException or AuthenticationException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var reason = deadline.IsCancellationRequested ? $"no connection within {_timeout.TotalSeconds:0.#} s" : failure.Message;
            throw new StageConnectException($"{address}: {reason}", failure);
        }
    }

    StageChannel Dial(string address, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (address.StartsWith(UnixPrefix, StringComparison.Ordinal))
            return DialUnix(address[UnixPrefix.Length..], expected, cancellationToken);
        if (address.StartsWith(TcpPrefix, StringComparison.Ordinal))
            return DialTls(address[TcpPrefix.Length..], expected, cancellationToken);
        throw new StageConnectException($"{address}: an address begins with {UnixPrefix} or {TcpPrefix}");
    }

    static StageChannel DialUnix(string path, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (expected != PeerIdentity.SameHost)
            throw new StageConnectException($"{UnixPrefix}{path}: {expected} is expected, and a socket of this host proves no key");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Connect(socket, new UnixDomainSocketEndPoint(path), cancellationToken);
        return StageChannel.Over(socket, new NetworkStream(socket, ownsSocket: true), PeerIdentity.SameHost);
    }

    // A machine has several addresses and does not know which of them the others reach, so they are tried in turn.
    StageChannel DialTls(string targets, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (credentials is null)
            throw new StageConnectException($"{TcpPrefix}{targets}: this process has no key, so it dials sockets of this host alone");
        var all = targets.Split(',');
        for (var i = 0; ; i++)
        {
            try
            {
                return DialTls(credentials, all[i], expected, cancellationToken);
            }
            catch (Exception failure) when (
                i + 1 < all.Length && failure is SocketException or IOException or AuthenticationException && !cancellationToken.IsCancellationRequested)
            {
            }
        }
    }

    StageChannel DialTls(StageCredentials credentials, string target, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (!HostAndPort.TryParse(target, out var host, out var port))
            throw new StageConnectException($"{TcpPrefix}{target}: an address is {TcpPrefix}host:port, or several with a comma between them");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        EndPoint endPoint = IPAddress.TryParse(host, out var ip) ? new IPEndPoint(ip, port) : new DnsEndPoint(host, port);
        Connect(socket, endPoint, cancellationToken);
        return TlsHandshake.AsClient(socket, credentials, expected, _timeout, cancellationToken);
    }

    static void Connect(Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            using (cancellationToken.UnsafeRegister(static state => ((Socket)state!).Dispose(), socket))
                socket.Connect(endPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
