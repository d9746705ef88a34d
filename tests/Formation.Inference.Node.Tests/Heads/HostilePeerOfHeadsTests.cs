using System.Buffers.Binary;
using System.Net.Security;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Heads.Wire;
using Formation.Inference.Node.Tests.Fakes;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>Gateways and heads that have the right key and send the wrong bytes.</summary>
public sealed class HostilePeerOfHeadsTests
{
    static byte[] FrameOf(FrameType type, byte[]? payload = null, int? announced = null)
    {
        payload ??= [];
        var frame = new byte[GenerationProtocol.HeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, announced ?? payload.Length);
        frame[4] = (byte)type;
        payload.CopyTo(frame, GenerationProtocol.HeaderBytes);
        return frame;
    }

    static byte[] RequestFrame()
    {
        var writer = new MessageWriter();
        writer.BeginFrame(FrameType.Request);
        RequestMessage.Write(writer, FakeBackend.Request);
        writer.EndFrame();
        return writer.Written.ToArray();
    }

    static byte[] EventFrame(GenerationEvent item)
    {
        var writer = new MessageWriter();
        writer.BeginFrame(FrameType.Event);
        EventMessage.Write(writer, item);
        writer.EndFrame();
        return writer.Written.ToArray();
    }

    /// <summary>Reads frames to the next one that is no heartbeat; null where the connection ends.</summary>
    static async Task<(FrameType Type, byte[] Payload)?> ReadAsync(Stream stream)
    {
        var header = new byte[GenerationProtocol.HeaderBytes];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(header);
                var payload = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
                await stream.ReadExactlyAsync(payload);
                if (header[4] != (byte)FrameType.Ping)
                    return ((FrameType)header[4], payload);
            }
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>A gateway whose frames a test writes itself, at a real head.</summary>
    sealed class RawGateway : IAsyncDisposable
    {
        readonly TestNode _gateway = TestNode.Probed("gateway");

        RawGateway(IInferenceBackend backend) => Head = new TestHead("head", backend, new HeadServerOptions(), _gateway);

        public TestHead Head { get; }

        public SslStream Stream { get; private set; } = null!;

        public static async Task<RawGateway> OpenAsync(IInferenceBackend backend)
        {
            var raw = new RawGateway(backend);
            await raw.DialAsync();
            return raw;
        }

        public async Task DialAsync()
        {
            if (Stream is not null)
                await Stream.DisposeAsync();
            Stream = await _gateway.DialAsync(
                new("head", Head.Replica.HeadPin, Head.Replica.Addresses, IsOnline: true), HeadServer.Protocol);
        }

        public async ValueTask DisposeAsync()
        {
            await Stream.DisposeAsync();
            await Head.DisposeAsync();
            await _gateway.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_request_that_can_not_be_read_is_refused_and_the_next_one_is_served()
    {
        await using var raw = await RawGateway.OpenAsync(new FakeBackend(FakeBackend.Hello));
        await raw.Stream.WriteAsync((byte[])[.. FrameOf(FrameType.Request, [0xFF, 0xFF, 0xFF]), .. RequestFrame()]);
        var refused = await ReadAsync(raw.Stream);
        Assert.Equal((FrameType.End, EndCode.Malformed), (refused!.Value.Type, EndMessage.Read(refused.Value.Payload).Code));
        var types = new List<FrameType>();
        while (types.LastOrDefault() != FrameType.End)
            types.Add((await ReadAsync(raw.Stream))!.Value.Type);
        Assert.Equal([FrameType.Event, FrameType.Event, FrameType.Event, FrameType.End], types);
    }

    public static TheoryData<string, byte[]> BrokenFrames => new()
    {
        { "a length above the limit", FrameOf(FrameType.Request, announced: GenerationProtocol.MaxRequestBytes + 1) },
        { "a negative length", FrameOf(FrameType.Request, announced: -1) },
        { "a frame that only heads send", FrameOf(FrameType.End) },
        { "two requests at once", [.. RequestFrame(), .. RequestFrame()] },
        { "an event beside a request", [.. RequestFrame(), .. FrameOf(FrameType.Event)] },
        { "a large frame beside a request", [.. RequestFrame(), .. FrameOf(FrameType.Cancel, announced: 5000)] },
    };

    [Theory]
    [MemberData(nameof(BrokenFrames), DisableDiscoveryEnumeration = true)]
    public async Task A_gateway_that_breaks_the_protocol_loses_its_connection_and_its_request(string what, byte[] bytes)
    {
        var backend = FakeBackend.Silent();
        await using var raw = await RawGateway.OpenAsync(backend);
        await raw.Stream.WriteAsync(bytes);
        while (await ReadAsync(raw.Stream) is { } frame)
            Assert.True(frame.Type == FrameType.Event, what);
        await Eventually.TrueAsync(() => backend.Open == 0 && raw.Head.OpenConnections == 0);
        Assert.Equal(0, raw.Head.Server.IncomingBytes);
        await raw.DialAsync();
        await raw.Stream.WriteAsync(RequestFrame());
        Assert.Equal(FrameType.Event, (await ReadAsync(raw.Stream))!.Value.Type);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_bytes_from_a_gateway_cost_their_connection_only(int seed)
    {
        var random = new Random(seed);
        var backend = new FakeBackend(FakeBackend.Hello);
        await using var raw = await RawGateway.OpenAsync(backend);
        for (var round = 0; round < 20; round++)
        {
            var bytes = RequestFrame();
            for (var i = random.Next(1, 8); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            await raw.Stream.WriteAsync(bytes);
            await raw.DialAsync();
        }

        await raw.Stream.WriteAsync(RequestFrame());
        Assert.Equal(FrameType.Event, (await ReadAsync(raw.Stream))!.Value.Type);
        await Eventually.TrueAsync(() => backend.Open == 0 && raw.Head.OpenConnections == 1);
    }

    /// <summary>A head that answers each request with these bytes, and a gateway that asks it.</summary>
    static async Task<HeadLoss> AskAsync(byte[] answer)
    {
        await using var gateway = TestNode.Probed("gateway");
        await using var head = new TestNode("head", new()
        {
            [HeadServer.Protocol] = async (_, stream, cancellationToken) =>
            {
                await ReadAsync(stream);
                await stream.WriteAsync(answer, cancellationToken);

                // Until the gateway has gone.
                while (await ReadAsync(stream) is not null)
                {
                }
            },
        });
        head.Knows(gateway);
        await using var client = new HeadClient(gateway.Identity, new HeadClientOptions(), TimeProvider.System);
        var replica = new Replica("r", "head", head.Identity.Pin, head.AsPeer.Addresses) { IsReady = true };
        var loss = await Assert.ThrowsAsync<HeadLostException>(async () =>
        {
            await foreach (var _ in client.GenerateAsync(replica, FakeBackend.Request, default))
            {
            }
        });
        return loss.Loss;
    }

    public static TheoryData<string, byte[]> BrokenAnswers => new()
    {
        { "an event that can not be read", FrameOf(FrameType.Event, [0x12, 0xFF]) },
        { "an event of no kind", FrameOf(FrameType.Event) },
        { "a length above the limit", FrameOf(FrameType.Event, announced: GenerationProtocol.MaxEventBytes + 1) },
        { "a length of 2^31 - 1", FrameOf(FrameType.Event, announced: int.MaxValue) },
        { "a request", FrameOf(FrameType.Request) },
        { "an end that can not be read", FrameOf(FrameType.End, [0x0A]) },
        { "an end in the middle that claims that the request was wrong", FrameOf(FrameType.End, [8, (byte)EndCode.Malformed]) },
        { "text that is not text", FrameOf(FrameType.Event, [0x12, 4, 0x12, 2, 0xC3, 0x28]) },
    };

    [Theory]
    [MemberData(nameof(BrokenAnswers), DisableDiscoveryEnumeration = true)]
    public async Task A_head_that_breaks_the_protocol_is_lost_to_its_request(string what, byte[] answer)
    {
        var loss = await AskAsync([.. EventFrame(new GenerationStarted(3)), .. answer]);
        Assert.True(loss == HeadLoss.Untrusted, what);
    }

    [Fact]
    public async Task A_head_that_says_goodbye_in_the_middle_leaves() =>
        Assert.Equal(HeadLoss.Leaving, await AskAsync(FrameOf(FrameType.Goodbye)));
}
