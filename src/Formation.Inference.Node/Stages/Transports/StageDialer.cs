using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Dials Unix sockets on this host, and other hosts over TCP and TLS, directly or through a relay.</summary>
/// <remarks>
/// Sockets are used by blocking threads alone: that is the fastest way here to wait for a message, and one asynchronous call would switch
/// a socket over for good. Hence the threads.
/// </remarks>
/// <param name="credentials">This node's, or null where only sockets of this host are dialled.</param>
/// <param name="timeout">For connecting, and for each step of the handshake. Default 5 s.</param>
/// <param name="relays">Reaches stages that can't be dialled, or null where there are none.</param>
public sealed class StageDialer(StageCredentials? credentials = null, TimeSpan? timeout = null, IRelayDialer? relays = null) : IStageDialer
{
    const string UnixPrefix = "unix:";
    const string TcpPrefix = "tcp:";

    /// <summary>The address of a machine that is reached under one of these, each as in <see cref="PeerAddress"/>, best first.</summary>
    public static string AddressOf(IEnumerable<string> hosts) => TcpPrefix + string.Join(',', hosts);

    readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async ValueTask<StageChannel> DialAsync(string address, PeerIdentity expected, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A way through a relay takes its time: the one at the other end has to call back.
        deadline.CancelAfter(address.Contains("relay:", StringComparison.Ordinal) ? 2 * _timeout : _timeout);
        try
        {
            return await Task.Factory.StartNew(
                () => Dial(address, expected, deadline.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is SocketException or IOException or ObjectDisposedException or AuthenticationException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var reason = deadline.IsCancellationRequested ? "no connection in time" : failure.Message;
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
        return StageChannel.Over(socket, new SpinningStream(socket), PeerIdentity.SameHost);
    }

    // A machine has several addresses and does not know which of them the others reach, so they are tried in turn, a relay last.
    StageChannel DialTls(string targets, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (credentials is null)
            throw new StageConnectException($"{TcpPrefix}{targets}: this process has no key, so it dials sockets of this host alone");
        var all = targets.Split(',');
        if (all.FirstOrDefault(target => !PeerAddress.IsValid(target)) is { } wrong)
            throw new StageConnectException($"{TcpPrefix}{wrong}: an address is {TcpPrefix}host:port, or several with a comma between them");
        var gateways = relays is null ? [] : PeerAddress.Gateways(all);
        var isUnanswered = gateways.Count > 0 && expected.Pin is { } pin && relays!.Unanswered.Contains(pin);
        var direct = isUnanswered ? [] : all.Where(PeerAddress.IsDirect).ToList();
        Exception failure = new StageConnectException($"{TcpPrefix}{targets}: it is reached through a relay alone, and this process uses none");

        // An address that nobody answers at must leave time for the relay.
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (gateways.Count > 0)
            enough.CancelAfter(_timeout / 2);
        foreach (var target in direct)
            if (Try(() => DialDirect(credentials, target, expected, enough.Token), ref failure) is { } channel)
                return channel;
        foreach (var gateway in gateways)
        {
            if (Try(() => DialRelay(credentials, gateway, expected, cancellationToken), ref failure) is not { } channel)
                continue;
            if (direct.Count > 0)
                relays!.Unanswered.Add(expected.Pin!);
            return channel;
        }
        throw failure;
    }

    static StageChannel? Try(Func<StageChannel> dial, ref Exception failure)
    {
        try
        {
            return dial();
        }
        catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException or AuthenticationException or OperationCanceledException)
        {
            failure = error;
            return null;
        }
    }

    StageChannel DialDirect(StageCredentials credentials, string target, PeerIdentity expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        HostAndPort.TryParse(target, out var host, out var port);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        EndPoint endPoint = IPAddress.TryParse(host, out var ip) ? new IPEndPoint(ip, port) : new DnsEndPoint(host!, port);
        Connect(socket, endPoint, cancellationToken);
        return TlsHandshake.AsClient(
            new SpinningStream(socket), () => StageChannel.Shutdown(socket), credentials, expected, _timeout, cancellationToken);
    }

    // This thread is the dialer's own, and may wait.
    StageChannel DialRelay(StageCredentials credentials, KeyPin gateway, PeerIdentity expected, CancellationToken cancellationToken)
    {
        if (expected.Pin is not { } pin)
            throw new IOException("a relay is asked for a key, and none is expected there");
        var connection = relays!.CallAsync(gateway, pin, cancellationToken).GetAwaiter().GetResult();
        return TlsHandshake.AsClient(connection.Stream, connection.Abort, credentials, expected, _timeout, cancellationToken);
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
