using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Connections;

/// <summary>Whoever a connection belongs to. All calls come from the connection's reader thread.</summary>
internal interface IFrameHandler
{
    /// <summary>A frame has come. Reads its payload to the end and ends it.</summary>
    /// <exception cref="StageProtocolException">The peer breaks the protocol; the connection ends with this reason.</exception>
    void OnFrame(StageConnection connection, in FrameHeader header, FrameReader reader);

    /// <summary>The connection has ended; the last call.</summary>
    /// <param name="reason">What was seen.</param>
    void OnClosed(StageConnection connection, string reason, ConnectionEnd end);
}

/// <summary>How a connection ended.</summary>
internal enum ConnectionEnd
{
    /// <summary>It broke, fell silent, or was ended here.</summary>
    Lost,

    /// <summary>The peer ended it in order.</summary>
    Goodbye,

    /// <summary>The peer says that it could not accept what it got.</summary>
    Refused,

    /// <summary>Bytes were changed on the way.</summary>
    Corrupted,

    /// <summary>What the peer sent breaks the protocol, so what it holds can't be trusted either.</summary>
    Fault,
}
