using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// Serves one stage of a deployment: computes what its head sends through the chain, keeps what it sent downstream, and gives up whatever
/// connection breaks the protocol. It serves one head at a time.
/// </summary>
public sealed class StageServer : IDisposable
{
    readonly LayerRange _layers;
    readonly StageServerOptions _options;
    readonly TimeProvider _time;
    readonly StageComputer _computer;
    readonly StageLinks _links;
    readonly object _gate = new();
    StageSession? _session;
    bool _isDisposed;

    /// <param name="stage">Computes; used by one thread. Belongs to the caller and outlives the server.</param>
    /// <param name="dialer">Dials neighbours where a route says so.</param>
    /// <exception cref="ArgumentException">The options say what the protocol can't.</exception>
    public StageServer(IModelStage stage, StageServerOptions options, IStageDialer dialer, TimeProvider? time = null)
    {
        options.Shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInFlight, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxInFlight, StageProtocol.MaxInFlight);
        (_layers, _options, _time) = (stage.Layers, options, time ?? TimeProvider.System);
        _computer = new StageComputer(stage);
        _links = new StageLinks(_layers, options, dialer, _time);
    }

    public LayerRange Layers => _layers;

    /// <summary>Rows computed so far, rebuilt ones apart.</summary>
    public long RowsComputed => _computer.RowsComputed;

    /// <summary>Rows computed so far for their keys and values alone, in the place of a stage that was lost.</summary>
    public long RowsRebuilt => _computer.RowsRebuilt;

    /// <summary>Bytes of rows that are kept for a replacement behind this stage.</summary>
    public long BoundaryBytes
    {
        get
        {
            lock (_gate)
                return _session?.BoundaryBytes ?? 0;
        }
    }

    /// <summary>Sequences whose traces it has been told of.</summary>
    internal int TracedSequences
    {
        get
        {
            lock (_gate)
                return _session?.Traces.Count ?? 0;
        }
    }

    /// <summary>Takes a channel, whoever dialled: reads its hello, and answers. Waits for the peer, so it has a thread of its own.</summary>
    /// <param name="channel">Belongs to the server from now on.</param>
    public void Accept(StageChannel channel)
    {
        var connection = new StageConnection(channel, _time, _options.Heartbeat);
        try
        {
            connection.SetReadTimeout(_options.HandshakeTimeout);
            var header = connection.Reader.ReadHeader();
            if (header.Type != FrameType.Hello)
                throw Malformed($"a connection begins with a hello, not with {header.Type}");
            var hello = Hello.Read(PayloadReader.ReadAll(connection.Reader));
            CheckModel(hello.Shape);
            if (hello.Role == PeerRole.Head)
                AcceptHead(connection, hello);
            else if (hello.Role == PeerRole.Leader)
                AcceptLeader(connection, hello);
            else
                _links.Accept(SessionOf(hello), connection, hello);
        }
        catch (StageProtocolException refused)
        {
            connection.Refuse(refused.Code, refused.Reason);
            _options.OnConnectionEnded(refused.Message);
        }
        catch (Exception loss)
        {
            // The peer is gone, or its bytes lead to a fault of this program: it costs this connection and not the process.
            connection.Fail(loss.Message);
            _options.OnConnectionEnded(loss.Message);
        }
    }

    /// <summary>Asks the head to go on without this stage. It serves until the head has found another one and says goodbye.</summary>
    /// <param name="reason">For the operator.</param>
    public void Drain(string reason)
    {
        StageSession? session;
        lock (_gate)
            session = _session;
        session?.Drain(reason);
    }

    /// <summary>Ends all connections; a batch that is being computed is finished first.</summary>
    public void Dispose()
    {
        StageSession? session;
        lock (_gate)
        {
            _isDisposed = true;
            session = _session;
            _session = null;
        }
        session?.Close("the stage ends");
        _links.Dispose();
        _computer.Dispose();
    }

    void AcceptHead(StageConnection connection, Hello hello)
    {
        if (!_options.IsHead(connection.Peer))
            throw new StageProtocolException(StageErrorCode.Unauthorized, $"{connection.Peer} is not the head of this deployment");
        CheckShape(hello);
        connection.Precision = Wire.Accept.Choose(hello.Offered, hello.Preferred, _options.Precisions);
        StageSession session;
        lock (_gate)
        {
            if (_isDisposed)
                throw new StageProtocolException(StageErrorCode.Busy, "the stage ends");
            if (_session?.Continues(hello) != true)
            {
                if (_session?.Head is { IsLost: false })
                    throw new StageProtocolException(StageErrorCode.Busy, "the stage serves another head");
                _session = new StageSession(hello, _layers, _options, _links, _computer, _time);
            }
            session = _session;
            session.Attach(connection);
        }
        var frame = new FrameBuffer();
        new Accept(connection.Precision, session.HeldEpoch, StageTraces.AreWanted).Write(frame);
        connection.Send(frame);
        connection.Start(session, "stage head", session.Shape.MaxPayload);
    }

    void AcceptLeader(StageConnection connection, Hello hello)
    {
        if (!_options.IsHead(connection.Peer))
            throw new StageProtocolException(StageErrorCode.Unauthorized, $"{connection.Peer} does not lead this group");
        if (_options.Exchange is not { } exchange)
            throw Malformed("the stage shares its layers with nobody");
        if (hello.Share != exchange.Share)
            throw new StageProtocolException(StageErrorCode.WrongShape, $"the stage has {exchange.Share} of its layers, not {hello.Share}");
        CheckShape(hello);
        SessionOf(hello);
        // Before the answer: behind it the leader sends batches at once, over another connection.
        exchange.Attach(new TensorLink(connection));
        var frame = new FrameBuffer();
        new Accept(ActivationPrecision.F32, 0).Write(frame);
        connection.Send(frame);
    }

    static StageProtocolException Malformed(string reason) => new(StageErrorCode.Malformed, reason);

    StageSession SessionOf(Hello hello)
    {
        lock (_gate)
        {
            return _session is { } session && session.Id == hello.Session
                ? session
                : throw new StageProtocolException(StageErrorCode.WrongDeployment, "a link of a session that is not this stage's");
        }
    }

    void CheckModel(StageShape asked)
    {
        var own = _options.Shape;
        if (asked.DeploymentId != own.DeploymentId)
            throw new StageProtocolException(StageErrorCode.WrongDeployment, "the stage belongs to another deployment");
        if (asked.ModelDigest != own.ModelDigest)
            throw new StageProtocolException(StageErrorCode.WrongModel, $"the stage has model {own.ModelDigest}, not {asked.ModelDigest}");
    }

    void CheckShape(Hello hello)
    {
        var (asked, own) = (hello.Shape, _options.Shape);
        if (hello.Layers != _layers)
            throw new StageProtocolException(StageErrorCode.WrongShape, $"the stage has {_layers}, not {hello.Layers}");
        if ((asked.HiddenSize, asked.BlockSize, asked.KvFormat) != (own.HiddenSize, own.BlockSize, own.KvFormat))
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape,
                $"the stage has rows of {own.HiddenSize} values and KV blocks of {own.BlockSize} positions as {own.KvFormat}, " +
                $"not {asked.HiddenSize}, {asked.BlockSize} and {asked.KvFormat}");
        }
        if (asked.MaxRows > own.MaxRows || asked.BlockCount > own.BlockCount || hello.InFlight > _options.MaxInFlight)
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape,
                $"the stage has room for {own.MaxRows} rows, {own.BlockCount} KV blocks and {_options.MaxInFlight} batches, " +
                $"not for {asked.MaxRows}, {asked.BlockCount} and {hello.InFlight}");
        }
    }
}
