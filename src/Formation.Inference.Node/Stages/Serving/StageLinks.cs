using System.Security.Cryptography;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// The connections of a stage to its neighbours in the current epoch. Who dials says the route, whichever way rows flow; a link with the
/// token of the epoch before stays.
/// </summary>
internal sealed class StageLinks(LayerRange layers, StageServerOptions options, IStageDialer dialer, TimeProvider time) : IDisposable
{
    readonly object _gate = new();
    readonly CancellationTokenSource _disposed = new();
    readonly Side _upstream = new();
    readonly Side _downstream = new();
    StageSession? _owner;
    uint _epoch;
    ActivationPrecision _kept;
    ActivationPrecision _preferred = ActivationPrecision.F32;

    /// <summary>The connection to the next stage, or null where that is the head, or lost.</summary>
    public StageConnection? Downstream => Volatile.Read(ref _downstream.Connection);

    /// <summary>Whether the rows of this stage go to the head.</summary>
    public bool IsLast => _downstream.Route?.Mode == LinkMode.Head;

    /// <summary>Whether rows may come from there.</summary>
    public bool IsUpstream(StageConnection connection, bool isHead)
    {
        lock (_gate)
            return isHead ? _upstream.Route?.Mode == LinkMode.Head : connection == _upstream.Connection;
    }

    /// <summary>
    /// Takes note of a route, before anything else of its epoch happens: a neighbour that has noted it already ends the link before, and that end
    /// must not count as the loss of the new one.
    /// </summary>
    /// <param name="kept">Precision of the boundary store, or null: what it holds can't be sent in another one.</param>
    public void Expect(uint epoch, Route route, ActivationPrecision? kept)
    {
        lock (_gate)
        {
            _epoch = epoch;
            (_kept, _preferred) = (kept ?? ActivationPrecision.None, route.Preferred);
            _upstream.Expect(route.Upstream);
            _downstream.Expect(route.Downstream);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Dials the links of an expected route that this stage is to dial, and waits for them.</summary>
    public Done Establish(StageSession session, uint epoch, Route route)
    {
        try
        {
            Dial(session, epoch, _upstream, route.Upstream, PeerRole.Downstream);
            Dial(session, epoch, _downstream, route.Downstream, PeerRole.Upstream);
            return new Done(route.Operation, StageErrorCode.None, 0, "");
        }
        catch (StageProtocolException refused)
        {
            return new Done(route.Operation, refused.Code, 0, refused.Reason);
        }
        catch (Exception failure)
        {
            // A dialler may fail in ways of its own; the head learns of each.
            return new Done(route.Operation, StageErrorCode.LinkFailed, 0, failure.Message);
        }
    }

    /// <summary>Lets a neighbour in that dialled. Waits for the route that speaks of it, which may come a moment later.</summary>
    /// <exception cref="StageProtocolException">No route does, or it speaks of somebody else.</exception>
    public void Accept(StageSession session, StageConnection connection, Hello hello)
    {
        var side = hello.Role == PeerRole.Upstream ? _upstream : _downstream;
        StageConnection? old;
        lock (_gate)
        {
            var deadline = time.GetTimestamp();
            while (!side.IsAwaited(hello.Token))
            {
                if (_disposed.IsCancellationRequested || time.GetElapsedTime(deadline) >= options.HandshakeTimeout
                    || !Monitor.Wait(_gate, options.HandshakeTimeout))
                {
                    throw new StageProtocolException(StageErrorCode.Unauthorized, "no route speaks of this link");
                }
            }
            if (connection.Peer != side.Route!.Identity)
            {
                throw new StageProtocolException(
                    StageErrorCode.Unauthorized, $"the route says that {side.Route.Identity} dials, and this is {connection.Peer}");
            }
            var border = hello.Role == PeerRole.Upstream ? hello.Layers.End == layers.First : layers.End == hello.Layers.First;
            if (!border)
                throw new StageProtocolException(StageErrorCode.WrongShape, $"{hello.Layers} and {layers} do not border on each other");

            // The rows of a boundary stay in the precision in which they were kept, and that is known to the side that keeps them.
            var preferred = hello.Role == PeerRole.Upstream ? hello.Preferred : _kept != 0 ? _kept : _preferred;
            connection.Precision = Wire.Accept.Choose(hello.Offered, preferred, options.Precisions);
            old = side.Replace(connection);
        }
        old?.Fail("the neighbour has connected again");
        var frame = new FrameBuffer();
        new Accept(connection.Precision, 0).Write(frame);
        connection.Send(frame);
        connection.Start(session, "stage link", session.Shape.MaxPayload);
    }

    /// <summary>Notes that a connection has ended.</summary>
    /// <returns>Whether it was the one downstream, and the epoch whose link it was; null where it was neither.</returns>
    public (bool IsDownstream, uint Epoch)? Lose(StageConnection connection)
    {
        lock (_gate)
        {
            if (connection == _downstream.Connection)
            {
                _downstream.Replace(null);
                return (true, _epoch);
            }
            if (connection != _upstream.Connection)
                return null;
            _upstream.Replace(null);
            return (false, _epoch);
        }
    }

    /// <summary>Ends the links of whichever session had them: from now on they are this one's.</summary>
    public void Begin(StageSession session, string reason)
    {
        lock (_gate)
            _owner = session;
        Close(session, reason);
    }

    /// <summary>Ends the links of a session; nothing where another one has them by now.</summary>
    public void Close(StageSession? session, string reason)
    {
        StageConnection? upstream, downstream;
        lock (_gate)
        {
            if (session != _owner)
                return;
            (upstream, downstream) = (_upstream.Replace(null), _downstream.Replace(null));
            _upstream.Route = _downstream.Route = null;
        }
        upstream?.Close(reason);
        downstream?.Close(reason);
    }

    public void Dispose()
    {
        _disposed.Cancel();
        Close(_owner, "the stage ends");
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    void Dial(StageSession session, uint epoch, Side side, RouteLink route, PeerRole role)
    {
        lock (_gate)
        {
            if (route.Mode != LinkMode.Dial || side.Connection is { IsLost: false })
                return;
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
        deadline.CancelAfter(options.HandshakeTimeout);
        var channel = dialer.DialAsync(route.Address, route.Identity, deadline.Token).AsTask().GetAwaiter().GetResult();
        var connection = new StageConnection(channel, time, options.Heartbeat);
        try
        {
            var offered = role == PeerRole.Upstream && _kept != 0 ? _kept : options.Precisions;
            StageHandshake.Dial(connection, options.HandshakeTimeout, new Hello
            {
                Role = role,
                Session = session.Id,
                Token = route.Token,
                Layers = layers,
                Offered = offered,
                Preferred = offered.HasFlag(_preferred) ? _preferred : offered,
                InFlight = session.InFlight,
                Shape = session.Shape,
            });
            lock (_gate)
            {
                if (!session.IsCurrent(epoch))
                    throw new StageConnectException("another route has come");
                side.Replace(connection);
            }
            connection.Start(session, "stage link", session.Shape.MaxPayload);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>One neighbour.</summary>
    sealed class Side
    {
        public StageConnection? Connection;

        public RouteLink? Route { get; set; }

        /// <summary>Takes note of a route; a link that it does not speak of ends.</summary>
        public void Expect(RouteLink route)
        {
            if (Connection is { } connection && (connection.IsLost || route.Mode == LinkMode.Head || route.Token != Route?.Token))
                Replace(null)!.Fail("the route has changed");
            Route = route;
        }

        public bool IsAwaited(Guid token)
        {
            Span<byte> left = stackalloc byte[16], right = stackalloc byte[16];
            token.TryWriteBytes(left);
            (Route?.Token ?? Guid.Empty).TryWriteBytes(right);
            return Route?.Mode == LinkMode.Await && CryptographicOperations.FixedTimeEquals(left, right);
        }

        public StageConnection? Replace(StageConnection? connection)
        {
            var old = Connection;
            Volatile.Write(ref Connection, connection);
            return old;
        }
    }
}
