namespace Formation.Inference.Node.Stages.Wire;

/// <summary>
/// Reads frames from a stream, by blocking. A small frame is there after one read; the rest of a long payload goes from the stream to where
/// the caller wants it. A length is checked before anything is read or made for it.
/// </summary>
/// <param name="stream">Belongs to the caller.</param>
/// <param name="maxPayload">See <see cref="MaxPayload"/>.</param>
internal sealed class FrameReader(Stream stream, int maxPayload)
{
    const int BufferBytes = 32 * 1024;

    readonly byte[] _buffer = new byte[BufferBytes];
    int _start;
    int _end;
    int _remaining;
    uint _expected;
    ulong _next;
    FrameChecksum _checksum;
    volatile bool _isWaiting;
    long _reads;

    /// <summary>Bytes of the largest payload that is read; set when both sides have agreed on a shape.</summary>
    public int MaxPayload { get; set; } = maxPayload;

    /// <summary>Whether the reader waits for the peer now.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>How often bytes came, for whoever watches that the peer lives.</summary>
    public long Reads => Volatile.Read(ref _reads);

    /// <summary>Bytes of the payload that are not read yet.</summary>
    public int Remaining => _remaining;

    /// <summary>Bytes read so far.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Waits for the next frame; the payload of the one before must have been read to its end.</summary>
    /// <exception cref="StageProtocolException">The header breaks the protocol.</exception>
    /// <exception cref="EndOfStreamException">The peer has closed the connection.</exception>
    /// <exception cref="IOException">The connection is lost.</exception>
    public FrameHeader ReadHeader()
    {
        if (_remaining != 0)
            throw new InvalidOperationException($"{_remaining} bytes of the last frame's payload were not read");
        if (_end - _start < FrameHeader.Size)
            FillHeader();
        var bytes = _buffer.AsSpan(_start, FrameHeader.Size);
        var header = FrameHeader.Read(bytes);
        if (header.Length > (uint)MaxPayload)
        {
            throw new StageProtocolException(
                StageErrorCode.LimitExceeded, $"a payload of {header.Length} bytes is announced; the limit is {MaxPayload}");
        }
        if (header.Sequence != _next)
            throw new StageProtocolException(StageErrorCode.SequenceGap, $"frame {header.Sequence} came where {_next} is next");
        _next++;
        _checksum = FrameHeader.BeginChecksum(bytes);
        _expected = header.Checksum;
        _remaining = (int)header.Length;
        _start += FrameHeader.Size;
        return header;
    }

    /// <summary>Reads the next bytes of the payload, as many as fit into <paramref name="destination"/>.</summary>
    /// <exception cref="StageProtocolException">The payload has fewer.</exception>
    public void Read(Span<byte> destination)
    {
        if (destination.Length > _remaining)
        {
            throw new StageProtocolException(
                StageErrorCode.Malformed, $"{destination.Length} bytes are needed and {_remaining} are left in the frame");
        }
        var rest = destination;
        while (rest.Length > 0)
        {
            if (_start == _end && rest.Length < BufferBytes)
                Fill();
            var buffered = Math.Min(rest.Length, _end - _start);
            if (buffered > 0)
            {
                _buffer.AsSpan(_start, buffered).CopyTo(rest);
                _start += buffered;
                rest = rest[buffered..];
            }
            else
            {
                rest = rest[ReadStream(rest)..];
            }
        }
        _remaining -= destination.Length;
        _checksum.Append(destination);
    }

    /// <summary>Passes over what is left of the payload.</summary>
    public void Skip()
    {
        Span<byte> passed = stackalloc byte[1024];
        while (_remaining > 0)
            Read(passed[..Math.Min(_remaining, passed.Length)]);
    }

    /// <summary>Ends a frame. What was read from it counts only now.</summary>
    /// <exception cref="StageProtocolException">Bytes are left over, or they are not those that were sent.</exception>
    public void EndFrame()
    {
        if (_remaining != 0)
            throw new StageProtocolException(StageErrorCode.Malformed, $"the frame is {_remaining} bytes longer than its content");
        if (_checksum.Value != _expected)
            throw new StageProtocolException(StageErrorCode.Checksum, "a frame's checksum does not fit its bytes");
    }

    void FillHeader()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < FrameHeader.Size)
            _end += ReadStream(_buffer.AsSpan(_end));
    }

    void Fill() => (_start, _end) = (0, ReadStream(_buffer));

    int ReadStream(Span<byte> destination)
    {
        _isWaiting = true;
        var count = stream.Read(destination);
        _isWaiting = false;
        Volatile.Write(ref _reads, _reads + 1);
        TotalBytes += count;
        return count > 0 ? count : throw new EndOfStreamException("the peer closed the connection");
    }
}
