using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>What the side that dialled is to the other one. The numbers are on the wire.</summary>
internal enum PeerRole : byte
{
    /// <summary>The head of the deployment.</summary>
    Head = 1,

    /// <summary>The stage whose rows the other one computes next.</summary>
    Upstream = 2,

    /// <summary>The stage that computes the other one's rows next.</summary>
    Downstream = 3,

    /// <summary>The leader of a group that shares each layer, on the connection for partial sums.</summary>
    Leader = 4,
}

/// <summary>First frame of a connection.</summary>
internal sealed record Hello
{
    public required PeerRole Role { get; init; }

    /// <summary>Names the head's run: a stage that is lost and found again within one keeps what it holds.</summary>
    public required Guid Session { get; init; }

    /// <summary>What the head gave both ends of a link; zero from the head itself.</summary>
    public Guid Token { get; init; }

    /// <summary>From the head: the layers that the stage is to have. From a stage: its own.</summary>
    public required LayerRange Layers { get; init; }

    /// <summary>Precisions that the sender can use, and that the answer chooses from.</summary>
    public required ActivationPrecision Offered { get; init; }

    /// <summary>The one of <see cref="Offered"/> that is wanted.</summary>
    public required ActivationPrecision Preferred { get; init; }

    /// <summary>Batches that may be under way at the same time.</summary>
    public required int InFlight { get; init; }

    public required StageShape Shape { get; init; }

    /// <summary>From a leader: what the other side is to compute of each layer.</summary>
    public TensorShare Share { get; init; } = TensorShare.Whole;

    public void Write(FrameBuffer frame)
    {
        frame.Begin(FrameType.Hello);
        frame.UInt32(StageProtocol.Magic);
        frame.UInt16(StageProtocol.Version);
        frame.Byte((byte)Role);
        frame.Byte((byte)Offered);
        frame.Byte((byte)Preferred);
        frame.Byte((byte)Shape.KvFormat);
        frame.UInt16((ushort)InFlight);
        frame.Guid(Session);
        frame.Guid(Token);
        frame.Bytes(Convert.FromHexString(Shape.ModelDigest));
        frame.Int32(Layers.First);
        frame.Int32(Layers.Count);
        frame.Int32(Shape.HiddenSize);
        frame.Int32(Shape.MaxRows);
        frame.Int32(Shape.BlockCount);
        frame.Int32(Shape.BlockSize);
        frame.Text(Shape.DeploymentId);
        if (Role != PeerRole.Leader)
            return;
        frame.Byte((byte)Share.Rank);
        frame.Byte((byte)Share.Count);
    }

    /// <exception cref="StageProtocolException">It is not a hello that this version understands.</exception>
    public static Hello Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        if (reader.UInt32() is var magic && magic != StageProtocol.Magic)
            throw new StageProtocolException(StageErrorCode.Malformed, $"a connection begins with FSTG, not with 0x{magic:X8}");
        if (reader.UInt16() is var version && version != StageProtocol.Version)
        {
            throw new StageProtocolException(
                StageErrorCode.Version, $"the peer speaks version {version} of the stage protocol, this program {StageProtocol.Version}");
        }
        var role = (PeerRole)reader.Byte();
        if (role is < PeerRole.Head or > PeerRole.Leader)
            throw new StageProtocolException(StageErrorCode.Malformed, $"there is no role {(byte)role}");
        var offered = (ActivationPrecision)reader.Byte();
        var preferred = (ActivationPrecision)reader.Byte();
        var format = (KvFormat)reader.Byte();
        var inFlight = (int)reader.UInt16();
        if (inFlight is < 1 or > StageProtocol.MaxInFlight)
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape, $"{inFlight} batches under way; there may be from 1 to {StageProtocol.MaxInFlight}");
        }
        var (session, token) = (reader.Guid(), reader.Guid());
        var digest = Convert.ToHexStringLower(reader.Take(32));
        var first = reader.Int32("the first layer", 0, StageProtocol.MaxLayers);
        var hello = new Hello
        {
            Role = role,
            Session = session,
            Token = token,
            Layers = new LayerRange(first, reader.Int32("the number of layers", 1, StageProtocol.MaxLayers)),
            Offered = offered,
            Preferred = preferred,
            InFlight = inFlight,
            Shape = new StageShape
            {
                ModelDigest = digest,
                HiddenSize = reader.Int32(),
                MaxRows = reader.Int32(),
                BlockCount = reader.Int32(),
                BlockSize = reader.Int32(),
                KvFormat = format,
                DeploymentId = reader.Text(),
            },
        };
        if (role == PeerRole.Leader)
            hello = hello with { Share = new TensorShare(reader.Byte(), reader.Byte()) };
        reader.End();
        return hello.Shape.FindFault() is { } fault ? throw new StageProtocolException(StageErrorCode.WrongShape, fault) : hello;
    }
}

/// <summary>The answer to a hello.</summary>
/// <param name="Precision">How rows cross this connection, in both directions.</param>
/// <param name="HeldEpoch">To a head: the epoch whose keys and values of this session the stage still holds, or 0.</param>
/// <param name="TakesTraces">To a head: whether the stage wants to be told which requests are traced.</param>
internal readonly record struct Accept(ActivationPrecision Precision, uint HeldEpoch, bool TakesTraces = false)
{
    // Of the bits of the byte, which was 0 before there were any, this one alone is known; a receiver passes over the others.
    const byte TakesTracesBit = 1;

    public void Write(FrameBuffer frame)
    {
        frame.Begin(FrameType.Accept);
        frame.UInt16(StageProtocol.Version);
        frame.Byte((byte)Precision);
        frame.Byte(TakesTraces ? TakesTracesBit : (byte)0);
        frame.UInt32(HeldEpoch);
    }

    public static Accept Read(ReadOnlySpan<byte> payload, ActivationPrecision offered)
    {
        var reader = new PayloadReader(payload);
        if (reader.UInt16() is var version && version != StageProtocol.Version)
            throw new StageProtocolException(StageErrorCode.Version, $"version {version} was not offered");
        var precision = (ActivationPrecision)reader.Byte();
        if (!byte.IsPow2((byte)precision) || !offered.HasFlag(precision))
            throw new StageProtocolException(StageErrorCode.Malformed, $"precision {(byte)precision} was not offered");
        var abilities = reader.Byte();
        var accept = new Accept(precision, reader.UInt32(), (abilities & TakesTracesBit) != 0);
        reader.End();
        return accept;
    }

    /// <summary>The precision that is wanted where this program has it, else the most exact of those offered.</summary>
    public static ActivationPrecision Choose(ActivationPrecision offered, ActivationPrecision preferred, ActivationPrecision supported)
    {
        var common = offered & supported;
        if (byte.IsPow2((byte)preferred) && common.HasFlag(preferred))
            return preferred;
        foreach (var precision in Enum.GetValues<ActivationPrecision>())
        {
            if (precision != ActivationPrecision.None && common.HasFlag(precision))
                return precision;
        }
        throw new StageProtocolException(StageErrorCode.WrongShape, $"of the precisions {supported}, none is among {offered}");
    }
}
