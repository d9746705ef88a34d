using System.Buffers.Binary;

namespace Formation.Inference.Node.Inventory;

/// <summary>What a way to another node measured.</summary>
/// <param name="RoundTrip">The least of small messages there and back: what a busy machine at either end adds to the others is no distance.</param>
/// <param name="BytesPerSecond">Bytes a second from this end to the other.</param>
public sealed record LinkSpeed(TimeSpan RoundTrip, double BytesPerSecond);

/// <summary>
/// Measures the way to another node over a stream that both have, such as the TLS connection of the data plane: small messages that come back, then
/// ever larger ones of which only the arrival is told. At most <see cref="MostBytes"/> and about two seconds.
/// </summary>
/// <remarks>
/// A message: one byte of its kind, three that are 0, a length (int32, little-endian), and so many bytes. 1 comes back as it is; of 2 one byte comes back
/// when all of it is read; 3, of length 0, ends the probe.
/// </remarks>
public static class LinkProbe
{
    /// <summary>The most bytes of content that a probe sends, all messages together.</summary>
    public const int MostBytes = 32 << 20;

    private const int HeaderBytes = 8;
    private const int MostMessages = 1024;
    private const int EchoBytes = 64;
    private const int LongestEcho = 1024;
    private const int Echoes = 25;
    private const int FirstBulk = 64 << 10;
    private const int LongestBulk = 8 << 20;
    private const int PieceBytes = 64 << 10;

    // What takes longer is long enough to divide by.
    private static readonly TimeSpan LongEnough = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan EchoLimit = TimeSpan.FromSeconds(1);

    private enum Kind : byte
    {
        Echo = 1,
        Bulk = 2,
        End = 3,
    }

    /// <summary>Measures.</summary>
    /// <param name="stream">To a peer that runs <see cref="AnswerAsync"/>; stays open.</param>
    /// <param name="clock">Measures the time.</param>
    /// <param name="cancellationToken">Ends the probe; the stream is of no further use then.</param>
    /// <exception cref="IOException">The connection ended.</exception>
    /// <exception cref="InvalidDataException">The peer answered with something else than it should.</exception>
    public static async Task<LinkSpeed> MeasureAsync(Stream stream, TimeProvider clock, CancellationToken cancellationToken)
    {
        var roundTrip = await RoundTripAsync(stream, clock, cancellationToken).ConfigureAwait(false);
        var bytesPerSecond = await BandwidthAsync(stream, roundTrip, clock, cancellationToken).ConfigureAwait(false);
        await SendAsync(stream, Kind.End, 0, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        return new LinkSpeed(roundTrip, bytesPerSecond);
    }

    /// <summary>Answers a probe until the other end says that it is done.</summary>
    /// <param name="stream">To a peer that runs <see cref="MeasureAsync"/>; stays open.</param>
    /// <param name="cancellationToken">Ends it; the caller bounds the time with it.</param>
    /// <exception cref="IOException">The connection ended before the probe did.</exception>
    /// <exception cref="InvalidDataException">The peer sent no probe, or more than one may.</exception>
    public static async Task AnswerAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[PieceBytes];
        long total = 0;
        for (var message = 0; message < MostMessages; message++)
        {
            var (kind, length) = await ReadHeaderAsync(stream, buffer, cancellationToken).ConfigureAwait(false);
            if (kind == Kind.End)
                return;
            total += length;
            if (total > MostBytes)
                throw new InvalidDataException($"a link probe of more than {MostBytes} bytes");
            if (kind == Kind.Echo)
            {
                await stream.ReadExactlyAsync(buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
                await stream.WriteAsync(buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            }
            else
            {
                for (var left = length; left > 0; left -= Math.Min(left, buffer.Length))
                    await stream.ReadExactlyAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), cancellationToken).ConfigureAwait(false);
                buffer[0] = (byte)Kind.Bulk;
                await stream.WriteAsync(buffer.AsMemory(0, 1), cancellationToken).ConfigureAwait(false);
            }
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        throw new InvalidDataException($"a link probe of more than {MostMessages} messages");
    }

    private static async Task<TimeSpan> RoundTripAsync(Stream stream, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (count, least) = (0, TimeSpan.MaxValue);
        var answer = new byte[EchoBytes];
        var begin = clock.GetTimestamp();
        // On a slow way fewer messages say enough.
        while (count < 3 || (count < Echoes && clock.GetElapsedTime(begin) < EchoLimit))
        {
            var start = clock.GetTimestamp();
            await SendAsync(stream, Kind.Echo, EchoBytes, cancellationToken, (byte)count).ConfigureAwait(false);
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            await stream.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
            var time = clock.GetElapsedTime(start);
            if (answer.AsSpan().ContainsAnyExcept((byte)count))
                throw new InvalidDataException("the peer sent back something else than it got");
            count++;
            least = time < least ? time : least;
        }
        return least;
    }

    private static async Task<double> BandwidthAsync(Stream stream, TimeSpan roundTrip, TimeProvider clock, CancellationToken cancellationToken)
    {
        var acknowledgement = new byte[1];
        var fastest = 0.0;
        for (var length = FirstBulk; ; length *= 2)
        {
            var start = clock.GetTimestamp();
            await SendAsync(stream, Kind.Bulk, length, cancellationToken).ConfigureAwait(false);
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            await stream.ReadExactlyAsync(acknowledgement, cancellationToken).ConfigureAwait(false);
            if (acknowledgement[0] != (byte)Kind.Bulk)
                throw new InvalidDataException("the peer did not confirm what it read");
            var elapsed = clock.GetElapsedTime(start);
            // The last byte's way and its confirmation's are no part of the transfer; where they are all of it, they are an upper bound.
            var transfer = elapsed > roundTrip * 1.5 ? elapsed - roundTrip : elapsed;
            if (transfer > TimeSpan.Zero)
                fastest = Math.Max(fastest, length / transfer.TotalSeconds);
            if (elapsed > LongEnough + roundTrip || length >= LongestBulk)
                return fastest > 0 ? fastest : length / TimeSpan.FromTicks(1).TotalSeconds;
        }
    }

    private static async Task SendAsync(Stream stream, Kind kind, int length, CancellationToken cancellationToken, byte content = 0)
    {
        var buffer = new byte[HeaderBytes + Math.Min(length, PieceBytes)];
        buffer[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(4), length);
        buffer.AsSpan(HeaderBytes).Fill(content);
        await stream.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        for (var left = length - (buffer.Length - HeaderBytes); left > 0; left -= Math.Min(left, PieceBytes))
            await stream.WriteAsync(buffer.AsMemory(HeaderBytes, Math.Min(left, PieceBytes)), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<(Kind Kind, int Length)> ReadHeaderAsync(Stream stream, byte[] buffer, CancellationToken cancellationToken)
    {
        await stream.ReadExactlyAsync(buffer.AsMemory(0, HeaderBytes), cancellationToken).ConfigureAwait(false);
        var kind = (Kind)buffer[0];
        var length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(4));
        var most = kind switch
        {
            Kind.Echo => LongestEcho,
            Kind.Bulk => LongestBulk,
            Kind.End => 0,
            _ => -1,
        };
        return most >= 0 && length >= 0 && length <= most && !buffer.AsSpan(1, 3).ContainsAnyExcept((byte)0)
            ? (kind, length)
            : throw new InvalidDataException("this is no message of a link probe");
    }
}
