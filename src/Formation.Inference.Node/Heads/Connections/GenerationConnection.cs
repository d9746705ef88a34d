using System.Buffers.Binary;
using System.Net.Sockets;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Heads.Wire;
using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Heads.Connections;

/// <summary>
/// One connection between a gateway and a head, at either end: frames in and out, and a heartbeat. Frames are read when they are asked for, so
/// that a slow reader holds up the writer by the connection itself. One reader at a time; any number of writers.
/// </summary>
sealed class GenerationConnection : IAsyncDisposable
{
    const int SmallestBuffer = 4 * 1024;
    const int LargestKept = 64 * 1024;

    static readonly byte[] PingFrame = [0, 0, 0, 0, (byte)FrameType.Ping];

    readonly Stream _stream;
    readonly TimeProvider _clock;
    readonly HeartbeatOptions _heartbeat;
    readonly ByteBudget _budget;
    readonly SemaphoreSlim _writing = new(1);
    readonly CancellationTokenSource _ended = new();
    readonly ITimer _timer;
    byte[] _buffer = new byte[SmallestBuffer];
    int _start;
    int _end;
    int _taken;
    Task<Frame>? _next;
    volatile bool _isWaiting;
    long _reads;
    long _seenReads;
    long _heardAt;
    HeadLostException? _loss;
    int _isDisposed;

    /// <param name="stream">The connection behind its handshake; disposed with this.</param>
    /// <param name="maxFrameBytes">See <see cref="MaxFrameBytes"/>.</param>
    /// <param name="budget">What all connections of this side may hold together of frames that are not complete.</param>
    public GenerationConnection(Stream stream, int maxFrameBytes, ByteBudget budget, HeartbeatOptions heartbeat, TimeProvider clock)
    {
        (_stream, _clock, _heartbeat, _budget, MaxFrameBytes) = (stream, clock, heartbeat, budget, maxFrameBytes);
        _heardAt = clock.GetTimestamp();
        _timer = clock.CreateTimer(static state => ((GenerationConnection)state!).Beat(), this, heartbeat.Interval, heartbeat.Interval);
    }

    /// <summary>Bytes of the largest payload that is taken from the other side.</summary>
    public int MaxFrameBytes { get; set; }

    /// <summary>How the connection was lost, or null.</summary>
    public HeadLostException? Loss => Volatile.Read(ref _loss);

    /// <summary>How often bytes came.</summary>
    public long Reads => Volatile.Read(ref _reads);

    /// <summary>
    /// The next frame; the same task until <see cref="Take"/>. It fails with <see cref="HeadLostException"/> when the connection is lost, so
    /// that who keeps an idle connection sees that at once.
    /// </summary>
    public Task<Frame> Next => _next ??= ReadAsync();

    /// <summary>Takes a frame for which nobody has to wait.</summary>
    /// <exception cref="HeadLostException">What came breaks the protocol.</exception>
    public bool TryTake(out Frame frame)
    {
        frame = default;
        if (_next is not null)
        {
            if (!_next.IsCompletedSuccessfully)
                return false;
            frame = Take();
            return true;
        }

        ReleaseTaken();
        try
        {
            if (!TryParse(out frame))
                return false;
        }
        catch (GenerationProtocolException fault)
        {
            throw Lose(HeadLoss.Untrusted, fault.Message);
        }

        NoteTaken(frame);
        return true;
    }

    /// <summary>Takes the frame for which <see cref="Next"/> has completed.</summary>
    public Frame Take()
    {
        var frame = Next.GetAwaiter().GetResult();
        _next = null;
        NoteTaken(frame);
        return frame;
    }

    /// <summary>Sends frames in one write. May wait until the other side reads.</summary>
    /// <exception cref="HeadLostException">The connection is lost.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> frames)
    {
        try
        {
            await _writing.WaitAsync(_ended.Token);
            try
            {
                await _stream.WriteAsync(frames, _ended.Token);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception fault) when (IsLoss(fault))
        {
            throw Lose(HeadLoss.Broken, "the connection broke");
        }
    }

    /// <summary>Ends the connection for a reason. The first one stands.</summary>
    /// <returns>How the connection was lost.</returns>
    public HeadLostException Lose(HeadLoss loss, string reason)
    {
        var first = Interlocked.CompareExchange(ref _loss, new HeadLostException(loss, reason), null) is null;
        if (first)
        {
            _timer.Dispose();
            _ended.Cancel();
            _stream.Dispose();
        }

        return _loss!;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        Lose(HeadLoss.Broken, "closed here");
        try
        {
            // A read that is under way fails now; nobody else looks at why.
            if (_next is not null)
                await _next;
        }
        catch (HeadLostException)
        {
        }

        Shrink();
    }

    async Task<Frame> ReadAsync()
    {
        ReleaseTaken();
        try
        {
            while (true)
            {
                if (TryParse(out var frame))
                    return frame;
                await FillAsync();
            }
        }
        catch (GenerationProtocolException fault)
        {
            throw Lose(HeadLoss.Untrusted, fault.Message);
        }
        catch (Exception fault) when (IsLoss(fault))
        {
            throw Lose(HeadLoss.Broken, "the connection broke");
        }
    }

    async ValueTask FillAsync()
    {
        // What a length announces is not made room for before it comes: the buffer grows with what is there.
        if (_end == _buffer.Length)
        {
            if (_start > 0)
                Move(_buffer);
            else
                Grow();
        }

        _isWaiting = true;
        var count = await _stream.ReadAsync(_buffer.AsMemory(_end), _ended.Token);
        _isWaiting = false;
        Volatile.Write(ref _reads, _reads + 1);
        if (count == 0)
            throw new EndOfStreamException();
        _end += count;
    }

    /// <summary>Finds a whole frame in the buffer. Pings, and types of later versions, are passed over.</summary>
    bool TryParse(out Frame frame)
    {
        while (_end - _start >= GenerationProtocol.HeaderBytes)
        {
            var header = _buffer.AsSpan(_start, GenerationProtocol.HeaderBytes);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
            var type = (FrameType)header[4];
            var most = type is FrameType.Request or FrameType.Event ? MaxFrameBytes : GenerationProtocol.MaxControlBytes;
            if (length > most)
                throw new GenerationProtocolException($"a frame of {length} bytes is announced; the limit is {most}");
            if (_end - _start < GenerationProtocol.HeaderBytes + (int)length)
                break;
            var payload = _buffer.AsMemory(_start + GenerationProtocol.HeaderBytes, (int)length);
            if (type is >= FrameType.Request and <= FrameType.Goodbye and not FrameType.Ping)
            {
                frame = new Frame(type, payload);
                return true;
            }

            _start += GenerationProtocol.HeaderBytes + (int)length;
        }

        frame = default;
        return false;
    }

    void NoteTaken(Frame frame) => _taken = GenerationProtocol.HeaderBytes + frame.Payload.Length;

    void ReleaseTaken()
    {
        _start += _taken;
        _taken = 0;
        if (_start != _end)
            return;
        (_start, _end) = (0, 0);
        if (_buffer.Length > LargestKept)
            Shrink();
    }

    void Shrink()
    {
        _budget.Return(_buffer.Length - SmallestBuffer);
        _buffer = new byte[SmallestBuffer];
    }

    void Grow()
    {
        var length = (int)Math.Min(2L * _buffer.Length, (long)MaxFrameBytes + GenerationProtocol.HeaderBytes + SmallestBuffer);
        if (!_budget.TryTake(length - _buffer.Length))
            throw new GenerationProtocolException("too much is on its way to this side at once");
        Move(new byte[length]);
    }

    void Move(byte[] buffer)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(buffer);
        (_buffer, _start, _end) = (buffer, 0, _end - _start);
    }

    // The other side's silence counts only while this one waits for it: a reader that is busy elsewhere hears nothing.
    void Beat()
    {
        var now = _clock.GetTimestamp();
        if (Reads is var reads && (reads != _seenReads || !_isWaiting))
            (_seenReads, _heardAt) = (reads, now);
        else if (_clock.GetElapsedTime(_heardAt, now) >= _heartbeat.Lease)
        {
            Lose(HeadLoss.Silent, $"nothing was heard for {_heartbeat.Lease.TotalSeconds:0.#} s");
            return;
        }

        _ = PingAsync();
    }

    async Task PingAsync()
    {
        // Where another frame is being written, the other side hears that one.
        if (!_writing.Wait(0))
            return;
        try
        {
            await _stream.WriteAsync(PingFrame, _ended.Token);
        }
        catch (Exception fault) when (IsLoss(fault))
        {
            Lose(HeadLoss.Broken, "the connection broke");
        }
        finally
        {
            _writing.Release();
        }
    }

    static bool IsLoss(Exception fault) =>
        fault is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException;
}

/// <summary>A frame that came.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Payload">In the connection's buffer: valid until the next frame is asked for.</param>
readonly record struct Frame(FrameType Type, ReadOnlyMemory<byte> Payload);
