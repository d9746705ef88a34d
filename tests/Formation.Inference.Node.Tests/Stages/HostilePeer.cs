using System.Net.Sockets;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A peer that speaks the protocol by hand, rightly or wrongly, and hears the answers.</summary>
internal sealed class HostilePeer : IDisposable
{
    readonly NetworkStream _stream;
    readonly FrameReader _reader;
    ulong _sequence;

    public HostilePeer(string address)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(address["unix:".Length..]));
        _stream = new NetworkStream(socket, ownsSocket: true) { ReadTimeout = 30_000 };
        _reader = new FrameReader(_stream, 1 << 20);
    }

    /// <summary>A hello that a stage of this chain accepts.</summary>
    public static Hello Head(TinyChain chain, LayerRange layers) => new()
    {
        Role = PeerRole.Head,
        Session = Guid.NewGuid(),
        Layers = layers,
        Offered = ActivationPrecision.F32,
        Preferred = ActivationPrecision.F32,
        InFlight = 2,
        Shape = chain.Shape,
    };

    /// <summary>A peer that is the head of a stage, with itself on both sides, in epoch 1.</summary>
    public static HostilePeer AsHead(TinyChain chain, ServedStage stage)
    {
        var peer = new HostilePeer(stage.Endpoint.Address);
        peer.Say(frame => Head(chain, stage.Endpoint.Layers).Write(frame));
        peer.Expect(FrameType.Accept);
        peer.Say(frame => new Route(1, RouteLink.Head, RouteLink.Head, ActivationPrecision.F32).Write(frame, epoch: 1));
        peer.Expect(FrameType.Done);
        return peer;
    }

    public void Say(Action<FrameBuffer> write, ulong? sequence = null)
    {
        var frame = new FrameBuffer();
        write(frame);
        SayBytes(frame.Seal(sequence ?? _sequence++));
    }

    /// <summary>Sends a batch of one row.</summary>
    public void SayRow(
        long number, long sequence, int position, int[] blocks, float value = 1, int width = 256, uint epoch = 1, SliceKind kind = SliceKind.Decode) =>
        Say(frame =>
        {
            frame.Begin(FrameType.Forward, epoch);
            BatchFrame.WriteHead(frame, number, [new BatchSlice(sequence, kind, 0, 1, position, blocks)], 1);
            BatchFrame.WriteRows(frame, ActivationPrecision.F32, [.. Enumerable.Repeat(value, width)], width);
        });

    public void SayBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (IOException)
        {
            // The stage has closed the connection already; its last words are still there to be read.
        }
    }

    /// <summary>The next frame but heartbeats, which must be of this type; its payload.</summary>
    public byte[] Expect(FrameType type)
    {
        while (true)
        {
            var header = _reader.ReadHeader();
            var payload = PayloadReader.ReadAll(_reader, 1 << 20);
            if (header.Type is FrameType.Ping or FrameType.Pong)
                continue;
            Assert.Equal(type, header.Type);
            return payload;
        }
    }

    /// <summary>The next frame of an epoch, which must be of this type; what is still told of epochs before it counts no more.</summary>
    public byte[] ExpectIn(uint epoch, FrameType type)
    {
        while (true)
        {
            var header = _reader.ReadHeader();
            var payload = PayloadReader.ReadAll(_reader, 1 << 20);
            if (header.Type is FrameType.Ping or FrameType.Pong || header.Epoch < epoch)
                continue;
            Assert.Equal(type, header.Type);
            return payload;
        }
    }

    /// <summary>The stage refuses: it says why, and nothing comes after it.</summary>
    public Done ExpectRefusal()
    {
        var refusal = Done.Read(Expect(FrameType.Error));
        Assert.NotEqual("", refusal.Reason);
        Assert.ThrowsAny<IOException>(() => _reader.ReadHeader());
        return refusal;
    }

    public void Dispose() => _stream.Dispose();
}
