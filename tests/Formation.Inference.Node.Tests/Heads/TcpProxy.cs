using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>The way to a port, which a test can cut, as a killed process does, or let fall silent, as a pulled cable does.</summary>
sealed class TcpProxy : IAsyncDisposable
{
    readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    readonly EndPoint _target;
    readonly ConcurrentDictionary<Socket, Socket> _pairs = new();
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    volatile TaskCompletionSource? _silence;
    volatile bool _isRefusing;

    public TcpProxy(EndPoint target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Address => _listener.LocalEndPoint!.ToString()!;

    /// <summary>Connections that were opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Whether new connections are closed at once.</summary>
    public bool IsRefusing
    {
        get => _isRefusing;
        set => _isRefusing = value;
    }

    /// <summary>Ends all connections.</summary>
    public void Cut()
    {
        foreach (var near in _pairs.Keys)
        {
            // Whoever takes the pair ends it: others may be cutting, too.
            if (!_pairs.TryRemove(near, out var far))
                continue;

            // With a reset, as the system does for a process that is gone.
            near.LingerState = far.LingerState = new LingerOption(true, 0);
            near.Dispose();
            far.Dispose();
        }
    }

    /// <summary>Lets nothing through any more, and ends nothing.</summary>
    public void FallSilent() => _silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        _silence?.TrySetResult();
        _listener.Dispose();
        Cut();
        await _accepting;
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptAsync(_stop.Token);
                if (_isRefusing)
                {
                    near.Dispose();
                    continue;
                }

                var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                await far.ConnectAsync(_target);
                Opened++;
                _pairs[near] = far;
                _ = ForwardAsync(near, far);
                _ = ForwardAsync(far, near);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    async Task ForwardAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, SocketFlags.None) is var count and > 0)
            {
                if (_silence is { } silence)
                    await silence.Task;
                for (var sent = 0; sent < count;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
        }
    }
}
