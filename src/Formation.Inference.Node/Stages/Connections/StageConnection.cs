using System.Net.Sockets;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Connections;

/// <summary>
/// One duplex connection after its handshake: a thread that reads frames, writers that take turns, and a heartbeat. Whatever goes wrong,
/// wherever it is seen, the reader thread tells the handler of it, once.
/// </summary>
internal sealed class StageConnection : IDisposable
{
    static readonly TimeSpan LastWordsTimeout = TimeSpan.FromMilliseconds(100);

    readonly StageChannel _channel;
    readonly TimeProvider _time;
    readonly HeartbeatOptions _heartbeat;
    readonly FrameReader _reader;
    readonly Lock _writing = new();
    readonly FrameBuffer _beat = new();
    ulong _sent;
    long _sentBytes;
    bool _isEnded;
    bool _isStarted;
    string? _reason;
    ITimer? _timer;
    long _seenReads;
    long _heardAt;
    long _roundTripTicks;

    public StageConnection(StageChannel channel, TimeProvider time, HeartbeatOptions heartbeat)
    {
        (_channel, _time, _heartbeat) = (channel, time, heartbeat);
        _reader = new FrameReader(channel.Stream, StageProtocol.MaxHandshakeBytes);
    }

    public PeerIdentity Peer => _channel.Peer;

    /// <summary>How rows cross this connection; agreed in the handshake.</summary>
    public ActivationPrecision Precision { get; set; } = ActivationPrecision.F32;

    /// <summary>Whether the connection has ended or is about to.</summary>
    public bool IsLost => Loss is not null;

    /// <summary>Why it has ended or is about to, or null.</summary>
    public string? Loss => Volatile.Read(ref _reason);

    /// <summary>Whether it was given up because nothing was heard: then dialling again is likely to wait in vain, too.</summary>
    public bool WasSilent { get; private set; }

    /// <summary>Time from the last answered ping to its answer.</summary>
    public TimeSpan RoundTrip => new(Volatile.Read(ref _roundTripTicks));

    public long SentBytes => Volatile.Read(ref _sentBytes);

    public long ReceivedBytes => _reader.TotalBytes;

    /// <summary>Frames before <see cref="Start"/>: the handshake reads here, with a time limit on each read.</summary>
    public FrameReader Reader => _reader;

    /// <summary>Limits how long a read may wait; only before <see cref="Start"/>.</summary>
    public void SetReadTimeout(TimeSpan timeout)
    {
        if (_channel.Stream.CanTimeout)
            _channel.Stream.ReadTimeout = (int)timeout.TotalMilliseconds;
    }

    /// <summary>Ends the handshake: from now on the handler gets the frames.</summary>
    /// <param name="name">Of the reader thread.</param>
    /// <param name="maxPayload">Bytes of the largest payload.</param>
    public void Start(IFrameHandler handler, string name, int maxPayload)
    {
        SetReadTimeout(Timeout.InfiniteTimeSpan);
        _reader.MaxPayload = maxPayload;
        _heardAt = _time.GetTimestamp();
        _isStarted = true;
        _timer = _time.CreateTimer(static state => ((StageConnection)state!).Beat(), this, _heartbeat.Interval, _heartbeat.Interval);
        new Thread(() => Read(handler)) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Sends a frame in one write. May wait for the peer to read.</summary>
    /// <returns>False when the connection is lost; the handler learns why.</returns>
    public bool Send(FrameBuffer frame)
    {
        lock (_writing)
            return Write(frame);
    }

    /// <summary>Ends the connection for a reason. The first one stands.</summary>
    public void Fail(string reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _channel.Abort();
        if (!_isStarted)
            End();
    }

    /// <summary>Ends reads and writes in progress, without taking the connection from under them; <see cref="Fail"/> follows when they have left.</summary>
    public void Abort(string reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _channel.Abort();
    }

    /// <summary>Makes reads look for a moment before they sleep, where the transport can.</summary>
    public void Spin(TimeSpan time)
    {
        if (_channel.Transport is { } transport)
            transport.Spin = time;
    }

    /// <summary>Tells the peer why, as far as it still listens, and ends the connection.</summary>
    public void Refuse(StageErrorCode code, string reason) => EndWith(FrameType.Error, code, reason);

    /// <summary>Ends the connection in order.</summary>
    public void Close(string reason) => EndWith(FrameType.Goodbye, StageErrorCode.None, reason);

    public void Dispose() => Fail("closed here");

    void Read(IFrameHandler handler)
    {
        var end = ConnectionEnd.Lost;
        try
        {
            while (true)
            {
                var header = _reader.ReadHeader();
                switch (header.Type)
                {
                    case FrameType.Ping:
                        Answer(PayloadReader.ReadAll(_reader, sizeof(long)));
                        break;
                    case FrameType.Pong:
                        Measure(PayloadReader.ReadAll(_reader, sizeof(long)));
                        break;
                    case FrameType.Error or FrameType.Goodbye:
                        var last = Done.Read(PayloadReader.ReadAll(_reader));
                        end = header.Type == FrameType.Error ? ConnectionEnd.Refused : ConnectionEnd.Goodbye;

                        // The peer's own words say more than a write that failed meanwhile.
                        Volatile.Write(ref _reason, end == ConnectionEnd.Refused
                            ? $"the peer ended the connection: {last.Code}: {last.Reason}"
                            : $"the peer said goodbye: {last.Reason}");
                        return;
                    default:
                        handler.OnFrame(this, header, _reader);
                        break;
                }
            }
        }
        catch (StageProtocolException fault)
        {
            if (!IsLost)
                end = fault.Code == StageErrorCode.Checksum ? ConnectionEnd.Corrupted : ConnectionEnd.Fault;
            Refuse(fault.Code, fault.Reason);
        }
        catch (Exception loss) when (loss is IOException or SocketException or ObjectDisposedException)
        {
            Fail(loss.Message);
        }
        catch (Exception fault)
        {
            // A fault of this program in the handler; it costs the connection, not the process.
            Fail($"an internal fault: {fault.GetType().Name}");
        }
        finally
        {
            End();
            handler.OnClosed(this, _reason ?? "the reader has ended", end);
        }
    }

    bool Write(FrameBuffer frame) => !IsLost && WriteNow(frame);

    bool WriteNow(FrameBuffer frame)
    {
        if (_isEnded)
            return false;
        try
        {
            var bytes = frame.Seal(_sent++);
            _channel.Stream.Write(bytes);
            Volatile.Write(ref _sentBytes, _sentBytes + bytes.Length);
            return true;
        }
        catch (Exception loss) when (loss is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            Fail($"writing failed: {loss.Message}");
            return false;
        }
    }

    // The reason stands before the peer hears of it: what the peer does then must not look like the cause.
    void EndWith(FrameType type, StageErrorCode code, string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
            TrySendLast(type, code, reason);
        Fail(reason);
    }

    // A writer that is stuck holds the lock for longer; the last words are then left out.
    void TrySendLast(FrameType type, StageErrorCode code, string reason)
    {
        if (!_writing.TryEnter(LastWordsTimeout))
            return;
        try
        {
            var frame = new FrameBuffer();
            new Done(0, code, 0, reason).Write(frame, type, 0);
            WriteNow(frame);
        }
        finally
        {
            _writing.Exit();
        }
    }

    void End()
    {
        _timer?.Dispose();
        _channel.Abort();
        lock (_writing)
        {
            _isEnded = true;
            _channel.Dispose();
        }
    }

    // While a handler works, the peer may be waiting for this side: its silence counts only while the reader waits.
    void Beat()
    {
        var now = _time.GetTimestamp();
        if (_reader.Reads is var reads && (reads != _seenReads || !_reader.IsWaiting))
        {
            (_seenReads, _heardAt) = (reads, now);
        }
        else if (_time.GetElapsedTime(_heardAt, now) is var silence && silence >= _heartbeat.Lease)
        {
            WasSilent = true;
            Fail($"nothing was heard for {silence.TotalSeconds:0.0} s");
            return;
        }
        SendBeat(FrameType.Ping, now);
    }

    void Answer(byte[] payload)
    {
        var reader = new PayloadReader(payload);
        SendBeat(FrameType.Pong, reader.Int64());
        reader.End();
    }

    void Measure(byte[] payload)
    {
        var reader = new PayloadReader(payload);
        var elapsed = _time.GetElapsedTime(reader.Int64());
        reader.End();
        if (elapsed >= TimeSpan.Zero && elapsed < _heartbeat.Lease)
            Volatile.Write(ref _roundTripTicks, elapsed.Ticks);
    }

    // Where another frame is being written, the peer hears that one.
    void SendBeat(FrameType type, long timestamp)
    {
        if (!_writing.TryEnter())
            return;
        try
        {
            _beat.Begin(type);
            _beat.Int64(timestamp);
            Write(_beat);
        }
        finally
        {
            _writing.Exit();
        }
    }
}
