using System.Buffers.Binary;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class FrameTests
{
    static readonly StageShape Shape = new()
    {
        DeploymentId = "déploiement",
        ModelDigest = new string('b', 64),
        HiddenSize = 40,
        MaxRows = 8,
        BlockCount = 10,
        BlockSize = 16,
        KvFormat = KvFormat.Q8_0,
    };

    [Fact]
    public void A_hello_comes_back_as_it_was()
    {
        var hello = new Hello
        {
            Role = PeerRole.Upstream,
            Session = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
            Token = Guid.Parse("ffeeddcc-bbaa-9988-7766-554433221100"),
            Layers = new LayerRange(3, 7),
            Offered = ActivationPrecision.BF16 | ActivationPrecision.F32,
            Preferred = ActivationPrecision.BF16,
            InFlight = 5,
            Shape = Shape,
        };

        Assert.Equal(hello, Hello.Read(Payload(frame => hello.Write(frame))));
    }

    [Fact]
    public void A_route_comes_back_as_it_was()
    {
        var route = new Route(
            9,
            new RouteLink(LinkMode.Await, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), PeerIdentity.FromHash(Enumerable.Repeat((byte)0xCC, PeerIdentity.Size).ToArray()), ""),
            new RouteLink(LinkMode.Dial, Guid.Empty, PeerIdentity.SameHost, "unix:/run/stage.sock"),
            ActivationPrecision.Q8);

        Assert.Equal(route, Route.Read(Payload(frame => route.Write(frame, epoch: 4))));
    }

    [Fact]
    public void An_accept_comes_back_as_it_was()
    {
        var accept = new Accept(ActivationPrecision.BF16, HeldEpoch: 77);

        Assert.Equal(accept, Accept.Read(Payload(frame => accept.Write(frame)), ActivationPrecision.BF16));
        Assert.Throws<StageProtocolException>(() => Accept.Read(Payload(frame => accept.Write(frame)), ActivationPrecision.F32));
    }

    [Fact]
    public void A_reason_comes_back_without_what_could_control_a_terminal()
    {
        var done = new Done(-5, StageErrorCode.ComputeFailed, 12, "line\n\u001b[31mred");

        Assert.Equal(
            done with { Reason = "line??[31mred" },
            Done.Read(Payload(frame => done.Write(frame, FrameType.Done, 1))));
    }

    [Fact]
    public void A_reason_that_is_too_long_is_cut_between_characters()
    {
        var done = new Done(1, StageErrorCode.Busy, 0, "a" + new string('é', 400));

        var read = Done.Read(Payload(frame => done.Write(frame, FrameType.Error, 0)));

        Assert.Equal("a" + new string('é', 255), read.Reason);
    }

    [Fact]
    public void A_replay_comes_back_as_it_was()
    {
        StoredSequence[] sequences = [new(1, 20, 30, new[] { 4, 5 }), new(-9, 0, 0, Array.Empty<int>())];
        var frame = new FrameBuffer();
        ReplayFrame.Write(frame, 3, 8, sequences);

        var (operation, read) = ReplayFrame.Read(Payload(frame), Shape);

        Assert.Equal(8u, operation);
        Assert.Equal(sequences.Select(Describe), read.Select(Describe));

        static string Describe(StoredSequence sequence) =>
            $"{sequence.SequenceId} {sequence.PromptLength} {sequence.Length} {string.Join(",", sequence.BlockTable.ToArray())}";
    }

    [Theory]
    [InlineData(ActivationPrecision.F32)]
    [InlineData(ActivationPrecision.BF16)]
    [InlineData(ActivationPrecision.Q8)]
    public void A_batch_comes_back_as_it_was(ActivationPrecision precision)
    {
        var values = Rows(5);
        var received = new ReceivedBatch(Shape);

        received.Read(Reader(BatchOf(values, precision)), precision);

        Assert.Equal(12, received.Number);
        Assert.Equal(2, received.Batch.Slices.Count);
        Assert.Equal((7L, SliceKind.Prefill, 0, 4, 30), Describe(received.Batch.Slices[0]));
        Assert.Equal((8L, SliceKind.Decode, 4, 1, 0), Describe(received.Batch.Slices[1]));
        Assert.Equal([9, 0, 3], received.Batch.Slices[0].BlockTable.ToArray());
        Assert.Equal([2], received.Batch.Slices[1].BlockTable.ToArray());
        var expected = new float[values.Length];
        var bytes = new byte[5 * RowCodec.RowBytes(precision, Shape.HiddenSize)];
        RowCodec.Encode(precision, values, Shape.HiddenSize, bytes);
        RowCodec.Decode(precision, bytes, Shape.HiddenSize, expected);
        Assert.Equal(expected, received.Activations.Values.ToArray());

        static (long, SliceKind, int, int, int) Describe(BatchSlice slice) =>
            (slice.SequenceId, slice.Kind, slice.FirstRow, slice.RowCount, slice.FirstPosition);
    }

    [Theory]
    [InlineData(8, 0, StageErrorCode.WrongShape)] // No slice.
    [InlineData(8, -1, StageErrorCode.WrongShape)]
    [InlineData(8, int.MaxValue, StageErrorCode.WrongShape)]
    [InlineData(8, 1, StageErrorCode.WrongShape)] // One slice, whose rows are not all.
    [InlineData(12, 6, StageErrorCode.WrongShape)] // More rows than slices have.
    [InlineData(12, 9, StageErrorCode.WrongShape)] // More rows than a batch may have.
    [InlineData(12, int.MaxValue, StageErrorCode.WrongShape)]
    [InlineData(16, 3, StageErrorCode.WrongShape)] // Fewer block ids than slices have.
    [InlineData(16, 5, StageErrorCode.WrongBlock)] // More: the bytes of a row would be one.
    [InlineData(16, int.MaxValue, StageErrorCode.WrongShape)]
    [InlineData(24 + 8, -1, StageErrorCode.WrongShape)] // First position.
    [InlineData(24 + 8, int.MaxValue, StageErrorCode.WrongBlock)]
    [InlineData(24 + 8, 45, StageErrorCode.WrongBlock)] // Past the block table.
    [InlineData(24 + 12, 0, StageErrorCode.WrongShape)] // Rows of a slice.
    [InlineData(24 + 12, -4, StageErrorCode.WrongShape)]
    [InlineData(24 + 12, int.MaxValue, StageErrorCode.WrongShape)]
    [InlineData(24 + 16, 0, StageErrorCode.WrongShape)] // Blocks of a slice.
    [InlineData(24 + 16, int.MaxValue, StageErrorCode.WrongShape)]
    [InlineData(24 + 20, 2, StageErrorCode.WrongShape)] // Kind.
    [InlineData(72, 10, StageErrorCode.WrongBlock)] // A block that does not exist.
    [InlineData(72, -1, StageErrorCode.WrongBlock)]
    [InlineData(72, int.MaxValue, StageErrorCode.WrongBlock)]
    public void A_batch_that_does_not_add_up_is_refused(int offset, int value, object code)
    {
        var payload = BatchOf(Rows(5), ActivationPrecision.F32);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(offset), value);

        var fault = Assert.Throws<StageProtocolException>(() => new ReceivedBatch(Shape).Read(Reader(payload), ActivationPrecision.F32));

        Assert.Equal(code, fault.Code);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Rows_that_are_not_finite_are_refused(float value)
    {
        for (var index = 0; index < 5 * 40; index += 39)
        {
            var values = Rows(5);
            values[index] = value;
            var payload = BatchOf(values, ActivationPrecision.F32);

            var fault = Assert.Throws<StageProtocolException>(() => new ReceivedBatch(Shape).Read(Reader(payload), ActivationPrecision.F32));

            Assert.Equal(StageErrorCode.NotFinite, fault.Code);
        }
    }

    [Theory]
    [InlineData(ActivationPrecision.F32)]
    [InlineData(ActivationPrecision.BF16)]
    [InlineData(ActivationPrecision.Q8)]
    public void Rows_in_another_precision_than_agreed_are_refused(ActivationPrecision agreed)
    {
        var sent = agreed == ActivationPrecision.F32 ? ActivationPrecision.BF16 : ActivationPrecision.F32;

        var fault = Assert.Throws<StageProtocolException>(
            () => new ReceivedBatch(Shape).Read(Reader(BatchOf(Rows(5), sent)), agreed));

        Assert.Equal(StageErrorCode.WrongShape, fault.Code);
    }

    [Fact]
    public void A_payload_longer_than_agreed_is_refused_before_it_is_read()
    {
        foreach (var length in (uint[])[4097, int.MaxValue, uint.MaxValue])
        {
            var bytes = new byte[FrameHeader.Size];
            new FrameHeader(length, FrameType.Forward, 0, 0, 0).Write(bytes);

            var fault = Assert.Throws<StageProtocolException>(() => new FrameReader(new MemoryStream(bytes), 4096).ReadHeader());

            Assert.Equal(StageErrorCode.LimitExceeded, fault.Code);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(ulong.MaxValue)]
    public void A_frame_that_is_not_the_next_one_is_refused(ulong second)
    {
        var stream = new MemoryStream([.. Frame(FrameType.Ping, 0, new byte[8]), .. Frame(FrameType.Ping, second, new byte[8])]);
        var reader = new FrameReader(stream, 4096);
        reader.ReadHeader();
        reader.Read(new byte[8]);
        reader.EndFrame();

        Assert.Equal(StageErrorCode.SequenceGap, Assert.Throws<StageProtocolException>(() => reader.ReadHeader()).Code);
    }

    [Fact]
    public void Every_changed_bit_is_noticed()
    {
        var frame = Frame(FrameType.Result, 0, [.. Enumerable.Range(0, 77).Select(i => (byte)i)]);
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            var changed = frame.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));

            Assert.ThrowsAny<Exception>(() => ReadWhole(changed));
        }
        ReadWhole(frame);

        static void ReadWhole(byte[] bytes)
        {
            var reader = new FrameReader(new MemoryStream(bytes), 4096);
            reader.ReadHeader();
            reader.Read(new byte[reader.Remaining]);
            reader.EndFrame();
        }
    }

    [Fact]
    public void A_frame_that_ends_early_is_a_lost_connection_at_every_byte()
    {
        var frame = Frame(FrameType.Result, 0, new byte[100]);
        for (var length = 0; length < frame.Length; length++)
        {
            var reader = new FrameReader(new MemoryStream(frame[..length]), 4096);

            Assert.Throws<EndOfStreamException>(() =>
            {
                reader.ReadHeader();
                reader.Read(new byte[100]);
            });
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Frames_are_read_whatever_the_pieces_are_in_which_they_come(int piece)
    {
        var random = new SplitMix64(3);
        var payloads = Enumerable.Range(0, 12).Select(i => new byte[i * i * 700]).ToArray();
        var bytes = new List<byte>();
        for (var i = 0; i < payloads.Length; i++)
        {
            random.Fill(payloads[i]);
            bytes.AddRange(Frame(FrameType.Forward, (ulong)i, payloads[i]));
        }
        var reader = new FrameReader(new PiecewiseStream([.. bytes], piece), 1 << 20);

        foreach (var payload in payloads)
        {
            reader.ReadHeader();
            var read = new byte[payload.Length];
            reader.Read(read.AsSpan(0, read.Length / 3));
            reader.Read(read.AsSpan(read.Length / 3));
            reader.EndFrame();
            Assert.Equal(payload, read);
        }
    }

    [Fact]
    public void Values_that_a_payload_does_not_have_are_not_read()
    {
        var hello = Payload(frame => new Hello
        {
            Role = PeerRole.Head,
            Session = Guid.Empty,
            Layers = new LayerRange(0, 1),
            Offered = ActivationPrecision.F32,
            Preferred = ActivationPrecision.F32,
            InFlight = 1,
            Shape = Shape,
        }.Write(frame));
        Hello.Read(hello);

        for (var length = 0; length < hello.Length; length++)
            Assert.Throws<StageProtocolException>(() => Hello.Read(hello.AsSpan(0, length)));
        Assert.Throws<StageProtocolException>(() => Hello.Read((byte[])[.. hello, 0]));
    }

    static float[] Rows(int rows)
    {
        var random = new SplitMix64(9);
        return [.. Enumerable.Range(0, rows * Shape.HiddenSize).Select(_ => (float)random.NextNormal() * 3)];
    }

    static byte[] BatchOf(float[] values, ActivationPrecision precision)
    {
        BatchSlice[] slices =
        [
            new(7, SliceKind.Prefill, 0, 4, 30, new[] { 9, 0, 3 }),
            new(8, SliceKind.Decode, 4, 1, 0, new[] { 2 }),
        ];
        return Payload(frame =>
        {
            frame.Begin(FrameType.Forward, 1);
            BatchFrame.WriteHead(frame, 12, slices, 5);
            BatchFrame.WriteRows(frame, precision, values, Shape.HiddenSize);
        });
    }

    static byte[] Payload(Action<FrameBuffer> write)
    {
        var frame = new FrameBuffer();
        write(frame);
        return Payload(frame);
    }

    static byte[] Payload(FrameBuffer frame) => frame.Seal(0)[FrameHeader.Size..].ToArray();

    internal static byte[] Frame(FrameType type, ulong sequence, byte[] payload, uint epoch = 0)
    {
        var frame = new FrameBuffer();
        frame.Begin(type, epoch);
        frame.Bytes(payload);
        return frame.Seal(sequence).ToArray();
    }

    static FrameReader Reader(byte[] payload)
    {
        var reader = new FrameReader(new MemoryStream(Frame(FrameType.Forward, 0, payload)), 1 << 20);
        reader.ReadHeader();
        return reader;
    }

    sealed class PiecewiseStream(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, piece)]);
    }
}
