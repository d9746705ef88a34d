using System.Diagnostics;
using System.Net.Sockets;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>
/// A socket's stream whose reader may look for a moment whether something has come, before it lets its thread be put to sleep: being woken
/// takes longer than most waits for a partner that does the same work.
/// </summary>
/// <param name="socket">Connected; belongs to the stream.</param>
internal sealed class SpinningStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    /// <summary>How long a read looks. Default: not at all.</summary>
    public TimeSpan Spin { get; set; }

    // A derived stream's spans would otherwise go by way of an array each.
    public override int Read(Span<byte> buffer)
    {
        if (Spin > TimeSpan.Zero)
            Look();
        try
        {
            return Socket.Receive(buffer);
        }
        catch (SocketException loss)
        {
            throw new IOException(loss.Message, loss);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            Socket.Send(buffer);
        }
        catch (SocketException loss)
        {
            throw new IOException(loss.Message, loss);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // An end of the stream or a fault shows in the read that follows.
    void Look()
    {
        var end = Stopwatch.GetTimestamp() + (long)(Spin.TotalSeconds * Stopwatch.Frequency);
        while (Socket.Available == 0 && Stopwatch.GetTimestamp() < end)
            Thread.SpinWait(1);
    }
}
