using System.IO.Pipelines;

namespace Formation.Inference.Cluster.Relays;

/// <summary>Two one-way streams as one that goes both ways.</summary>
/// <param name="input">Read from.</param>
/// <param name="output">Written to.</param>
internal sealed class DuplexStream(Stream input, Stream output) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Two ends of one connection inside this process.</summary>
    /// <param name="pauseAt">Bytes that may be under way in each direction.</param>
    /// <returns>The one end as a stream, the other as its two pipes.</returns>
    public static (DuplexStream Near, PipeReader FarInput, PipeWriter FarOutput, Action Abort) Pair(int pauseAt)
    {
        var options = new PipeOptions(pauseWriterThreshold: pauseAt, resumeWriterThreshold: pauseAt / 2, useSynchronizationContext: false);
        var (there, back) = (new Pipe(options), new Pipe(options));
        return (new DuplexStream(back.Reader.AsStream(), there.Writer.AsStream()), there.Reader, back.Writer, Abort);

        void Abort()
        {
            // The loops that copy own the other two ends.
            there.Reader.CancelPendingRead();
            back.Writer.CancelPendingFlush();
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        input.ReadAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        output.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Flush() => output.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            input.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }
}
