using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>Frames that were changed at random: read as they are or refused, with no other exception and no memory beyond the limits.</summary>
public sealed class FrameFuzzTests
{
    static readonly StageShape Shape = new()
    {
        DeploymentId = "fuzz",
        ModelDigest = new string('f', 64),
        HiddenSize = 16,
        MaxRows = 32,
        BlockCount = 24,
        BlockSize = 16,
        KvFormat = KvFormat.F16,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Changed_frames_are_read_or_refused(ulong seed) => Run(seed, rounds: 4_000);

    [Theory, Trait("Category", "Long")]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void Changed_frames_are_read_or_refused_for_long(ulong seed) => Run(seed, rounds: 1_500_000);

    static void Run(ulong seed, int rounds)
    {
        var random = new SplitMix64(seed);
        var received = new ReceivedBatch(Shape);
        var (read, refused) = (0, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < rounds; round++)
        {
            var frame = NewFrame(random);
            var (type, payload) = (frame.Type, Change(random, frame.Payload));
            try
            {
                Read(type, payload, received, keepsChecksum: random.Next(8) != 0, random);
                read++;
            }
            catch (Exception refusal) when (refusal is StageProtocolException or EndOfStreamException)
            {
                refused++;
            }
        }
        Assert.True(read > rounds / 50 && refused > rounds / 50, $"{read} frames were read and {refused} refused");
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / rounds, 0, 256 * 1024);
    }

    static void Read(FrameType type, byte[] payload, ReceivedBatch received, bool keepsChecksum, SplitMix64 random)
    {
        var bytes = FrameTests.Frame(type, 0, payload, epoch: 1);
        if (!keepsChecksum)
            bytes[random.Next(bytes.Length)] ^= (byte)(1 + random.Next(255));
        if (random.Next(10) == 0)
            bytes = bytes[..random.Next(bytes.Length + 1)];
        var reader = new FrameReader(new MemoryStream(bytes), Shape.MaxPayload);
        switch (reader.ReadHeader().Type)
        {
            case FrameType.Forward or FrameType.Rebuild:
                received.Read(reader, ActivationPrecision.F32);
                Check(received);
                break;
            case FrameType.Hello:
                Hello.Read(PayloadReader.ReadAll(reader));
                break;
            case FrameType.Accept:
                Accept.Read(PayloadReader.ReadAll(reader), ActivationPrecision.F32);
                break;
            case FrameType.Route:
                Route.Read(PayloadReader.ReadAll(reader));
                break;
            case FrameType.Replay:
                ReplayFrame.Read(PayloadReader.ReadAll(reader, Shape.MaxPayload), Shape);
                break;
            default:
                Done.Read(PayloadReader.ReadAll(reader));
                break;
        }
    }

    /// <summary>What was let in fits the shape, whatever was changed.</summary>
    static void Check(ReceivedBatch received)
    {
        var row = 0;
        foreach (var slice in received.Batch.Slices)
        {
            Assert.Equal(row, slice.FirstRow);
            row += slice.RowCount;
            Assert.InRange(slice.RowCount, 1, Shape.MaxRows);
            Assert.InRange(slice.FirstPosition + slice.RowCount, 1, slice.BlockTable.Length * Shape.BlockSize);
            Assert.True(Enum.IsDefined(slice.Kind));
            Assert.All(slice.BlockTable.ToArray(), block => Assert.InRange(block, 0, Shape.BlockCount - 1));
        }
        Assert.Equal(received.Activations.Rows, row);
        Assert.InRange(row, 1, Shape.MaxRows);
        Assert.True(RowCodec.IsFinite(received.Activations.Values));
    }

    static (FrameType Type, byte[] Payload) NewFrame(SplitMix64 random)
    {
        var frame = new FrameBuffer();
        switch (random.Next(5))
        {
            case 0:
                new Hello
                {
                    Role = (PeerRole)(1 + random.Next(4)),
                    Session = Guid.Empty,
                    Layers = new LayerRange(random.Next(8), 1 + random.Next(8)),
                    Offered = ActivationPrecision.F32,
                    Preferred = ActivationPrecision.F32,
                    InFlight = 1 + random.Next(8),
                    Shape = Shape,
                }.Write(frame);
                return (FrameType.Hello, Payload(frame));
            case 1:
                new Route(1, RouteLink.Head, RouteLink.Head with { Mode = LinkMode.Dial, Address = "unix:/a" }, ActivationPrecision.F32).Write(frame, 1);
                return (FrameType.Route, Payload(frame));
            case 2:
                ReplayFrame.Write(
                    frame, 1, 1, [.. Enumerable.Range(0, random.Next(4)).Select(id => new StoredSequence(id, 3, 20, new[] { id, id + 1 }))]);
                return (FrameType.Replay, Payload(frame));
            case 3:
                new Done(random.Next(9), StageErrorCode.None, 0, "reason").Write(frame, FrameType.Failed, 1);
                return (FrameType.Failed, Payload(frame));
            default:
                return (random.Next(2) == 0 ? FrameType.Forward : FrameType.Rebuild, NewBatch(random, frame));
        }
    }

    static byte[] NewBatch(SplitMix64 random, FrameBuffer frame)
    {
        var slices = new List<BatchSlice>();
        var rows = 0;
        for (var i = 1 + random.Next(4); i > 0; i--)
        {
            var count = 1 + random.Next(6);
            var table = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => random.Next(Shape.BlockCount)).ToArray();
            slices.Add(new BatchSlice(random.Next(100), (SliceKind)random.Next(2), rows, count, random.Next(table.Length * 16 - count + 1), table));
            rows += count;
        }
        frame.Begin(FrameType.Forward, 1);
        BatchFrame.WriteHead(frame, 1, slices, rows);
        BatchFrame.WriteRows(frame, ActivationPrecision.F32, [.. Enumerable.Range(0, rows * 16).Select(_ => (float)random.NextNormal())], 16);
        return Payload(frame);
    }

    static byte[] Payload(FrameBuffer frame) => frame.Seal(0)[FrameHeader.Size..].ToArray();

    /// <summary>Sometimes nothing, else a few bytes or numbers, a cut, or something more at the end.</summary>
    static byte[] Change(SplitMix64 random, byte[] payload)
    {
        for (var i = random.Next(4); i > 0 && payload.Length >= 8; i--)
        {
            switch (random.Next(4))
            {
                case 0:
                    payload[random.Next(payload.Length)] = (byte)random.Next();
                    break;
                case 1:
                    int[] extremes = [-1, 0, 1, int.MaxValue, int.MinValue, 255, 1 << 16, 0x7FC0_0000];
                    BitConverter.TryWriteBytes(payload.AsSpan(random.Next(payload.Length / 4) * 4), extremes[random.Next(extremes.Length)]);
                    break;
                case 2:
                    payload = payload[..random.Next(payload.Length)];
                    break;
                default:
                    payload = [.. payload, .. new byte[random.Next(9)]];
                    break;
            }
        }
        return payload;
    }
}
