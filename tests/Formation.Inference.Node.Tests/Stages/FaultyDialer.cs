using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>Dials Unix sockets, and spoils the connections to an address when a test says so.</summary>
internal sealed class FaultyDialer : IStageDialer
{
    readonly StageDialer _dialer = new();
    readonly Dictionary<string, List<FaultyStream>> _streams = [];
    readonly HashSet<string> _unreachable = [];

    public async ValueTask<StageChannel> DialAsync(string address, PeerIdentity expected, CancellationToken cancellationToken)
    {
        lock (_streams)
        {
            if (_unreachable.Contains(address))
                throw new StageConnectException($"{address} is cut off");
        }
        var channel = await _dialer.DialAsync(address, expected, cancellationToken);
        var stream = new FaultyStream(channel.Stream);
        lock (_streams)
        {
            if (!_streams.TryGetValue(address, out var streams))
                _streams[address] = streams = [];
            streams.Add(stream);
        }
        return new StageChannel(stream, channel.Peer, () =>
        {
            stream.IsAborted = true;
            channel.Abort();
        });
    }

    /// <summary>Nobody hears anything from this address any more, nor gets a new connection.</summary>
    public void CutOff(string address)
    {
        lock (_streams)
        {
            _unreachable.Add(address);
            _streams[address].ForEach(stream => stream.IsSilent = true);
        }
    }

    /// <summary>A bit of the next frame with rows that somebody sends there is flipped.</summary>
    public void CorruptNextRows(string address)
    {
        lock (_streams)
            _streams[address].ForEach(stream => stream.CorruptsNextRows = true);
    }

    /// <summary>Ends the connections that were dialled to this address.</summary>
    public void Break(string address)
    {
        lock (_streams)
            _streams[address].ForEach(stream => stream.IsBroken = true);
    }
}

/// <summary>A stream that swallows, changes or refuses what it should carry.</summary>
internal sealed class FaultyStream(Stream inner) : Stream
{
    /// <summary>Bytes of a frame that is long enough to have rows in it; heartbeats are shorter.</summary>
    const int LongFrame = 200;

    public volatile bool IsSilent;
    public volatile bool IsAborted;
    public volatile bool CorruptsNextRows;
    public volatile bool IsBroken;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override bool CanTimeout => inner.CanTimeout;
    public override long Length => throw new NotSupportedException();
    public override int ReadTimeout { get => inner.ReadTimeout; set => inner.ReadTimeout = value; }

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            var count = inner.Read(buffer);
            if (!IsSilent || IsAborted)
                return count;

            // Not even the end of the connection is heard.
            if (count == 0)
                Thread.Sleep(5);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (IsBroken)
            throw new IOException("the test broke the connection");
        if (IsSilent)
            return;
        if (!CorruptsNextRows || buffer.Length < LongFrame)
        {
            inner.Write(buffer);
            return;
        }
        CorruptsNextRows = false;
        var spoilt = buffer.ToArray();
        spoilt[^9] ^= 4;
        inner.Write(spoilt);
    }

    public override void Flush() => inner.Flush();
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
