using System.Buffers.Binary;
using System.IO.Pipelines;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Heads.Connections;
using Formation.Inference.Node.Heads.Wire;
using Formation.Inference.Node.Stages.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>Frames and heartbeats of one connection, in memory and with a clock that a test moves.</summary>
public sealed class GenerationConnectionTests
{
    static readonly TimeSpan Interval = new HeartbeatOptions().Interval;

    readonly FakeTimeProvider _clock = new();
    readonly ByteBudget _budget = new(1 << 20);

    /// <summary>Both ends of a way: what one writes the other reads.</summary>
    static (Stream Near, Stream Far) Way()
    {
        var (there, back) = (new Pipe(), new Pipe());
        return (new Duplex(back.Reader.AsStream(), there.Writer.AsStream()), new Duplex(there.Reader.AsStream(), back.Writer.AsStream()));
    }

    GenerationConnection Open(Stream stream, int maxFrameBytes = 64 * 1024) => new(stream, maxFrameBytes, _budget, new HeartbeatOptions(), _clock);

    static byte[] FrameOf(FrameType type, int length, int announced = -1)
    {
        var frame = new byte[GenerationProtocol.HeaderBytes + length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, announced < 0 ? length : announced);
        frame[4] = (byte)type;
        for (var i = 0; i < length; i++)
            frame[GenerationProtocol.HeaderBytes + i] = (byte)i;
        return frame;
    }

    [Fact]
    public async Task Frames_arrive_whole_and_in_order_however_they_are_cut()
    {
        var (near, far) = Way();
        await using var connection = Open(near);
        int[] lengths = [0, 1, 5000, 64 * 1024, 3, 0, 20_000];
        byte[] all = [.. lengths.SelectMany(length => FrameOf(FrameType.Event, length))];
        var writing = Task.Run(async () =>
        {
            for (var sent = 0; sent < all.Length; sent += 777)
                await far.WriteAsync(all.AsMemory(sent, Math.Min(777, all.Length - sent)));
        }, TestContext.Current.CancellationToken);
        foreach (var length in lengths)
        {
            if (!connection.TryTake(out var frame))
            {
                await connection.Next;
                frame = connection.Take();
            }

            Assert.Equal(FrameOf(FrameType.Event, length)[GenerationProtocol.HeaderBytes..], frame.Payload.ToArray());
        }

        await writing;
    }

    [Fact]
    public async Task Frames_of_a_later_version_are_passed_over()
    {
        var (near, far) = Way();
        await using var connection = Open(near);
        byte[] frames = [.. FrameOf((FrameType)200, 100), .. FrameOf(FrameType.Ping, 3), .. FrameOf(FrameType.End, 2)];
        await far.WriteAsync(frames, TestContext.Current.CancellationToken);
        await connection.Next;
        Assert.Equal(FrameType.End, connection.Take().Type);
    }

    [Theory]
    [InlineData(3, 64 * 1024 + 1)]
    [InlineData(3, int.MaxValue)]
    [InlineData(3, int.MinValue)]
    [InlineData(4, 5000)]
    [InlineData(200, 5000)]
    public async Task A_length_above_the_limit_ends_the_connection_before_anything_is_made_for_it(byte type, int announced)
    {
        var (near, far) = Way();
        await using var connection = Open(near);
        var frame = FrameOf((FrameType)type, 0);
        BinaryPrimitives.WriteInt32LittleEndian(frame, announced);
        await far.WriteAsync(frame, TestContext.Current.CancellationToken);
        var loss = await Assert.ThrowsAsync<HeadLostException>(() => connection.Next);
        Assert.Equal(HeadLoss.Untrusted, loss.Loss);
        Assert.Equal(0, _budget.Taken);
    }

    [Fact]
    public async Task A_length_that_is_announced_takes_no_memory_until_its_bytes_come_and_gives_it_back()
    {
        var (near, far) = Way();
        await using (var connection = Open(near, maxFrameBytes: 1 << 20))
        {
            var frame = FrameOf(FrameType.Event, 40_000, announced: 1 << 20);
            await far.WriteAsync(frame, TestContext.Current.CancellationToken);
            var next = connection.Next;
            await Eventually.TrueAsync(() => _budget.Taken > 32_000);
            Assert.InRange(_budget.Taken, 32_000, 130_000);
            Assert.False(next.IsCompleted);
        }

        Assert.Equal(0, _budget.Taken);
    }

    [Fact]
    public async Task What_all_connections_hold_together_is_bounded()
    {
        var (near, far) = Way();
        _budget.TryTake((1 << 20) - 10_000);
        await using var connection = Open(near);
        var next = connection.Next;
        await far.WriteAsync(FrameOf(FrameType.Event, 60_000), TestContext.Current.CancellationToken);
        Assert.Equal(HeadLoss.Untrusted, (await Assert.ThrowsAsync<HeadLostException>(() => next)).Loss);
    }

    [Fact]
    public async Task Two_sides_that_live_hear_each_other_for_ever()
    {
        var (near, far) = Way();
        await using var gateway = Open(near);
        await using var head = Open(far);
        Task[] waiting = [gateway.Next, head.Next];
        for (var i = 0; i < 20; i++)
        {
            var (heardNear, heardFar) = (gateway.Reads, head.Reads);
            _clock.Advance(Interval);
            await Eventually.TrueAsync(() => gateway.Reads > heardNear && head.Reads > heardFar);
        }

        Assert.All(waiting, task => Assert.False(task.IsCompleted));
    }

    [Fact]
    public async Task Silence_ends_the_connection_when_the_lease_is_over_and_not_before()
    {
        var (near, _) = Way();
        await using var connection = Open(near);
        var next = connection.Next;
        for (var i = 0; i < 3; i++)
            _clock.Advance(Interval);
        Assert.Null(connection.Loss);
        _clock.Advance(Interval);
        Assert.Equal(HeadLoss.Silent, (await Assert.ThrowsAsync<HeadLostException>(() => next)).Loss);
    }

    [Fact]
    public async Task Silence_does_not_count_while_nobody_waits_for_the_other_side()
    {
        var (near, _) = Way();
        await using var connection = Open(near);
        for (var i = 0; i < 20; i++)
            _clock.Advance(Interval);
        Assert.Null(connection.Loss);
    }

    [Fact]
    public async Task An_end_of_the_stream_is_seen_at_once()
    {
        var (near, far) = Way();
        await using var connection = Open(near);
        var next = connection.Next;
        far.Dispose();
        Assert.Equal(HeadLoss.Broken, (await Assert.ThrowsAsync<HeadLostException>(() => next)).Loss);
        await Assert.ThrowsAsync<HeadLostException>(async () => await connection.SendAsync(FrameOf(FrameType.Ping, 0)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_bytes_are_frames_or_the_end_of_the_connection(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var (near, far) = Way();
            await using var connection = Open(near);
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);

            // Half of them begin like a frame that may be.
            if (round % 2 == 0 && bytes.Length > 4)
                (bytes[1], bytes[2], bytes[3], bytes[4]) = (0, 0, 0, (byte)random.Next(8));
            await far.WriteAsync(bytes, TestContext.Current.CancellationToken);
            far.Dispose();
            await Assert.ThrowsAsync<HeadLostException>(async () =>
            {
                while (true)
                {
                    await connection.Next;
                    Assert.InRange(connection.Take().Payload.Length, 0, bytes.Length);
                }
            });
        }
    }

    sealed class Duplex(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await output.WriteAsync(buffer, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => output.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            output.Dispose();
            input.Dispose();
            base.Dispose(disposing);
        }
    }
}
