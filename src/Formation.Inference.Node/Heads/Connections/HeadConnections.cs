using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Heads.Wire;

namespace Formation.Inference.Node.Heads.Connections;

/// <summary>
/// The connections to one head: those that a request uses, and idle ones, kept for the next. An idle one that breaks, or on which the head says
/// anything, is dropped at once. Safe to use from any thread.
/// </summary>
sealed class HeadConnections(HeadClientOptions options, TimeProvider clock)
{
    readonly Lock _lock = new();
    readonly List<Idle> _idle = [];
    int _used;
    bool _isClosed;

    /// <summary>One stay of a connection here: it may come again.</summary>
    sealed class Idle(GenerationConnection connection, long since)
    {
        public GenerationConnection Connection => connection;

        public long Since => since;
    }

    /// <summary>Connections without a request.</summary>
    public int IdleCount
    {
        get
        {
            lock (_lock)
                return _idle.Count;
        }
    }

    /// <summary>Takes a place for one more request, and an idle connection where there is one.</summary>
    /// <returns>False where there are as many as may be.</returns>
    public bool TryEnter(out GenerationConnection? connection)
    {
        connection = null;
        List<GenerationConnection>? dead = null;
        lock (_lock)
        {
            if (_used >= options.MaxConnectionsPerHead)
                return false;
            _used++;

            // The one used last is the least likely to have been given up by the other side.
            while (_idle.Count > 0 && connection is null)
            {
                var last = _idle[^1].Connection;
                _idle.RemoveAt(_idle.Count - 1);
                if (last.Next.IsCompleted)
                    (dead ??= []).Add(last);
                else
                    connection = last;
            }
        }

        foreach (var ended in dead ?? [])
            _ = ended.DisposeAsync().AsTask();
        return true;
    }

    /// <summary>Gives a place back whose connection is of no use any more.</summary>
    public void Leave()
    {
        lock (_lock)
            _used--;
    }

    /// <summary>Gives a place back, and its connection for the next request.</summary>
    public async ValueTask LeaveAsync(GenerationConnection connection)
    {
        connection.MaxFrameBytes = GenerationProtocol.MaxControlBytes;

        // From here on the head is listened to, so that the connection's end is seen when it comes.
        var next = connection.Next;
        Idle? kept = null;
        lock (_lock)
        {
            _used--;
            if (!_isClosed && !next.IsCompleted && _idle.Count < options.MaxIdlePerHead)
                _idle.Add(kept = new Idle(connection, clock.GetTimestamp()));
        }

        if (kept is not null)
            _ = DropWhenHeardAsync(kept, next);
        else
            await connection.DisposeAsync();
    }

    /// <summary>Closes what has been idle for too long.</summary>
    /// <returns>Whether nothing is open any more. Then nothing is kept here from now on, so that others may forget these connections.</returns>
    public async ValueTask<bool> SweepAsync()
    {
        List<GenerationConnection> old;
        lock (_lock)
        {
            old = [.. _idle.Where(IsOld).Select(item => item.Connection)];
            _idle.RemoveAll(IsOld);
            _isClosed |= _idle.Count == 0 && _used == 0;
        }

        foreach (var connection in old)
            await connection.DisposeAsync();
        return _isClosed;
    }

    /// <summary>Closes all idle connections, and each that is given back from here on.</summary>
    public async ValueTask CloseAsync()
    {
        List<GenerationConnection> all;
        lock (_lock)
        {
            _isClosed = true;
            all = [.. _idle.Select(item => item.Connection)];
            _idle.Clear();
        }

        foreach (var connection in all)
            await connection.DisposeAsync();
    }

    bool IsOld(Idle idle) => clock.GetElapsedTime(idle.Since) >= options.IdleTime;

    async Task DropWhenHeardAsync(Idle idle, Task<Frame> next)
    {
        try
        {
            await next;
        }
        catch (HeadLostException)
        {
        }

        // Where a request has taken it meanwhile, what was heard is the request's.
        bool wasIdle;
        lock (_lock)
            wasIdle = _idle.Remove(idle);
        if (wasIdle)
            await idle.Connection.DisposeAsync();
    }
}
