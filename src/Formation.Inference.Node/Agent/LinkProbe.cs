using System.Buffers;
using System.Buffers.Binary;
using System.Net.Security;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Node.Agent;

/// <summary>
/// Measures the way to a peer over a connection like those of the data plane. A question is its length as four bytes, lowest first, and as
/// many bytes; the peer answers with one byte once it has them all. Empty questions measure the round trip, large ones the bandwidth.
/// </summary>
public static class LinkProbe
{
    /// <summary>The name of the protocol (ALPN).</summary>
    public const string Protocol = "formation-probe/1";

    /// <summary>Bytes of the largest question.</summary>
    public const int LargestQuestion = 8 << 20;

    /// <summary>Questions of a connection.</summary>
    public const int MostQuestions = 64;

    private const int RoundTrips = 9;
    private const int FirstQuestion = 64 << 10;
    private const int BufferSize = 64 << 10;
    private const byte Answer = 1;

    /// <summary>A question that takes so long is large enough to tell the bandwidth, and no longer in the way than it must be.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromMilliseconds(60);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Measures the way to a peer.</summary>
    /// <exception cref="PeerUnreachableException">It can't be dialled, or breaks off.</exception>
    public static async Task<LinkReport> MeasureAsync(NodeIdentity identity, NodePeer peer, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var stream = await PeerConnection.DialAsync(identity, peer, Protocol, clock, cancellationToken);
        using var timeout = new CancellationTokenSource(Patience, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var question = ArrayPool<byte>.Shared.Rent(sizeof(int) + LargestQuestion);
        try
        {
            var roundTrip = await RoundTripAsync(stream, question, clock, ended.Token);
            var bytesPerSecond = await BandwidthAsync(stream, question, roundTrip, clock, ended.Token);
            return new LinkReport(peer.Name, roundTrip, bytesPerSecond, IsRelayed: false);
        }
        catch (Exception error) when (error is IOException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new PeerUnreachableException($"{peer.Name} broke off while the way to it was measured");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(question);
        }
    }

    /// <summary>Answers a peer's questions until it has no more.</summary>
    /// <exception cref="InvalidDataException">A question is larger than allowed, or there are too many.</exception>
    public static async Task ServeAsync(NodePeer peer, SslStream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var questions = 0; await stream.ReadAtLeastAsync(buffer.AsMemory(0, sizeof(int)), sizeof(int), false, cancellationToken) == sizeof(int); questions++)
            {
                var length = BinaryPrimitives.ReadUInt32LittleEndian(buffer);
                if (length > LargestQuestion || questions == MostQuestions)
                    throw new InvalidDataException($"{peer.Name} asks more than a probe may");
                for (var left = (int)length; left > 0;)
                {
                    var count = await stream.ReadAsync(buffer.AsMemory(0, Math.Min(left, BufferSize)), cancellationToken);
                    if (count == 0)
                        return;
                    left -= count;
                }
                buffer[0] = Answer;
                await stream.WriteAsync(buffer.AsMemory(0, 1), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The median: one packet that waits behind others says nothing of the way.
    private static async Task<TimeSpan> RoundTripAsync(SslStream stream, byte[] question, TimeProvider clock, CancellationToken cancellationToken)
    {
        var times = new TimeSpan[RoundTrips];
        for (var i = 0; i < times.Length; i++)
            times[i] = await AskAsync(stream, question, 0, clock, cancellationToken);
        Array.Sort(times);
        return times[RoundTrips / 2];
    }

    private static async Task<double> BandwidthAsync(
        SslStream stream, byte[] question, TimeSpan roundTrip, TimeProvider clock, CancellationToken cancellationToken)
    {
        // The first ones open TCP's window, and say how large the one that counts may be.
        for (var length = FirstQuestion; ; length = Math.Min(length * 4, LargestQuestion))
        {
            var time = await AskAsync(stream, question, length, clock, cancellationToken);
            var sending = time - roundTrip;
            if (length == LargestQuestion || sending >= LongEnough)
                return length / Math.Max(sending.TotalSeconds, 1e-6);
        }
    }

    private static async Task<TimeSpan> AskAsync(SslStream stream, byte[] question, int length, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        BinaryPrimitives.WriteInt32LittleEndian(question, length);
        await stream.WriteAsync(question.AsMemory(0, sizeof(int) + length), cancellationToken);
        await stream.ReadExactlyAsync(question.AsMemory(0, 1), cancellationToken);
        return clock.GetElapsedTime(start);
    }
}
