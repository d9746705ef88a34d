using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>How a stage gets to a neighbour. The numbers are on the wire.</summary>
internal enum LinkMode : byte
{
    /// <summary>The neighbour is the head, on the connection that this frame comes on.</summary>
    Head = 0,

    /// <summary>The neighbour dials.</summary>
    Await = 1,

    /// <summary>The stage dials the neighbour.</summary>
    Dial = 2,
}

/// <summary>One side of a stage.</summary>
/// <param name="Mode">Who dials.</param>
/// <param name="Token">Known to both ends of the link alone; a link of an earlier epoch with the same token stays.</param>
/// <param name="Identity">Whom to expect there.</param>
/// <param name="Address">Where it is dialled, or empty.</param>
internal sealed record RouteLink(LinkMode Mode, Guid Token, PeerIdentity Identity, string Address)
{
    public static RouteLink Head { get; } = new(LinkMode.Head, Guid.Empty, PeerIdentity.SameHost, "");
}

/// <summary>Head to stage: the frame's epoch begins, with these neighbours.</summary>
/// <param name="Operation">Number that <see cref="Done"/> repeats.</param>
/// <param name="Upstream">Where rows come from.</param>
/// <param name="Downstream">Where they go.</param>
/// <param name="Preferred">The precision wanted on the link downstream.</param>
internal sealed record Route(uint Operation, RouteLink Upstream, RouteLink Downstream, ActivationPrecision Preferred)
{
    public void Write(FrameBuffer frame, uint epoch)
    {
        frame.Begin(FrameType.Route, epoch);
        frame.UInt32(Operation);
        frame.Byte((byte)Preferred);
        WriteLink(frame, Upstream);
        WriteLink(frame, Downstream);
    }

    public static Route Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var operation = reader.UInt32();
        var preferred = (ActivationPrecision)reader.Byte();
        var route = new Route(operation, ReadLink(ref reader), ReadLink(ref reader), preferred);
        reader.End();
        return route;
    }

    static void WriteLink(FrameBuffer frame, RouteLink link)
    {
        frame.Byte((byte)link.Mode);
        frame.Guid(link.Token);
        frame.Bytes(link.Identity.ToHash());
        frame.Text(link.Address);
    }

    static RouteLink ReadLink(ref PayloadReader reader)
    {
        var mode = (LinkMode)reader.Byte();
        if (mode > LinkMode.Dial)
            throw new StageProtocolException(StageErrorCode.Malformed, $"there is no way {(byte)mode} to a neighbour");
        return new RouteLink(mode, reader.Guid(), PeerIdentity.FromHash(reader.Take(PeerIdentity.Size)), reader.Text());
    }
}

/// <summary>A number, a code and a reason: the content of several small frames.</summary>
/// <param name="Operation">Of the head's command; the batch's number for a failed batch.</param>
/// <param name="Code">None for success.</param>
/// <param name="Rows">Rows that were rebuilt.</param>
/// <param name="Reason">For people; empty for success.</param>
internal sealed record Done(long Operation, StageErrorCode Code, long Rows, string Reason)
{
    public void Write(FrameBuffer frame, FrameType type, uint epoch)
    {
        frame.Begin(type, epoch);
        frame.Int64(Operation);
        frame.Int64(Rows);
        frame.UInt16((ushort)Code);
        frame.Text(Reason);
    }

    public static Done Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var (operation, rows) = (reader.Int64(), reader.Int64());
        var done = new Done(operation, (StageErrorCode)reader.UInt16(), rows, Printable(reader.Text()));
        reader.End();
        return done;
    }

    // It goes into logs and exceptions; a peer must not write lines or control a terminal there.
    static string Printable(string reason) => string.Create(reason.Length, reason, static (span, text) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsControl(text[i]) ? '?' : text[i];
    });
}
