using System.Runtime.InteropServices;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>
/// The connection for partial sums between a leader and one follower. The thread that computes reads and writes it itself: at two sums a
/// layer, waking another one for each would take longer than the sum.
/// </summary>
internal sealed class TensorLink
{
    /// <summary>Values of the largest piece. Both ends may send one before they read: so much fits into any socket's buffers.</summary>
    public const int MaxPiece = 8 * 1024;

    // Longer than members of about the same speed wait for each other, shorter than anybody else would miss the core.
    static readonly TimeSpan SpinTime = TimeSpan.FromMicroseconds(200);

    // A member that lives sends within this: its heartbeat is watched on another connection, and tells sooner.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly StageConnection _connection;
    readonly FrameBuffer _frame = new();
    readonly Lock _gate = new();
    bool _isInUse;
    bool _isClosed;

    /// <param name="connection">After its handshake; belongs to the link.</param>
    public TensorLink(StageConnection connection)
    {
        _connection = connection;
        connection.SetReadTimeout(Patience);
        connection.Reader.MaxPayload = MaxPiece * sizeof(float);
        connection.Spin(SpinTime);
    }

    /// <summary>Why it has ended, or null.</summary>
    public string? Loss => _connection.Loss;

    /// <summary>Begins some exchanges; nobody takes the connection away before <see cref="Leave"/>.</summary>
    /// <returns>False where it has ended.</returns>
    public bool TryEnter()
    {
        lock (_gate)
            return _isInUse = !_isClosed;
    }

    public void Leave()
    {
        lock (_gate)
        {
            _isInUse = false;
            if (_isClosed)
                _connection.Fail("closed");
        }
    }

    /// <summary>Ends the link, also while another thread waits in it. The first reason stands.</summary>
    public void Close(string reason)
    {
        lock (_gate)
        {
            _isClosed = true;
            if (_isInUse)
                _connection.Abort(reason);
            else
                _connection.Fail(reason);
        }
    }

    /// <summary>Sends a piece; none of its values where this side has none that are finite.</summary>
    /// <exception cref="IOException">The link has ended.</exception>
    public void Send(ReadOnlySpan<float> piece)
    {
        _frame.Begin(FrameType.Partial);
        _frame.Bytes(MemoryMarshal.AsBytes(piece));
        if (!_connection.Send(_frame))
            throw new IOException(_connection.Loss);
    }

    /// <summary>Waits for the other side's piece.</summary>
    /// <returns>False where the other side has computed a value that is not finite; the piece is then undefined.</returns>
    /// <exception cref="StageProtocolException">It is another frame, or one of another length, or a value is not finite.</exception>
    /// <exception cref="IOException">The link has ended, or nothing came in time.</exception>
    public bool TryReceive(Span<float> piece)
    {
        var reader = _connection.Reader;
        var header = reader.ReadHeader();
        if (header.Type is FrameType.Error or FrameType.Goodbye)
            throw new IOException(Done.Read(PayloadReader.ReadAll(reader)).Reason);
        if (header.Type != FrameType.Partial)
            throw new StageProtocolException(StageErrorCode.Malformed, $"a frame {header.Type} comes where a partial sum is due");
        if (header.Length == 0)
        {
            reader.EndFrame();
            return false;
        }
        if (header.Length != piece.Length * sizeof(float))
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape, $"{header.Length} bytes of a partial sum come where {piece.Length * sizeof(float)} are due");
        }
        reader.Read(MemoryMarshal.AsBytes(piece));
        reader.EndFrame();
        return RowCodec.IsFinite(piece)
            ? true
            : throw new StageProtocolException(StageErrorCode.NotFinite, "a partial sum holds a value that is not finite");
    }

    /// <summary>Ends the link for what went wrong between <see cref="TryEnter"/> and <see cref="Leave"/>, and says so.</summary>
    /// <param name="failure">An <see cref="IOException"/>, or a <see cref="StageProtocolException"/>, which the other side is told of.</param>
    /// <param name="layers">Those that the group shares.</param>
    /// <param name="peer">Who is on the other side, in words.</param>
    public StageLostException Lost(Exception failure, LayerRange layers, string peer)
    {
        if (failure is StageProtocolException fault)
        {
            _connection.Refuse(fault.Code, fault.Reason);
            Close(fault.Reason);
            return new StageLostException(layers, $"the partial sums of {peer} can't be right: {fault.Message}", fault);
        }
        Close(failure.Message);
        return new StageLostException(layers, $"{peer} is lost: {Loss}", failure);
    }
}
