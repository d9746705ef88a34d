using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Inventory;

/// <summary>A stream on whose clock bytes take their time: a link of a known round trip and bandwidth, without waiting for it.</summary>
sealed class PacedStream(Stream inner, FakeTimeProvider clock, TimeSpan roundTrip, double bytesPerSecond) : Stream
{
    private bool _sent;

    public long BytesSent { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await inner.WriteAsync(buffer, cancellationToken);
        clock.Advance(TimeSpan.FromSeconds(buffer.Length / bytesPerSecond));
        BytesSent += buffer.Length;
        _sent = true;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        if (_sent)
            clock.Advance(roundTrip);
        _sent = false;
        return count;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
