using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Connections;

/// <summary>The dialling side's half of a handshake.</summary>
internal static class StageHandshake
{
    /// <summary>Says hello and waits for the answer; the connection then has its precision.</summary>
    /// <exception cref="StageProtocolException">The peer refused, with its reason, or its answer breaks the protocol.</exception>
    /// <exception cref="StageConnectException">The connection was lost meanwhile.</exception>
    public static Accept Dial(StageConnection connection, TimeSpan timeout, Hello hello)
    {
        var frame = new FrameBuffer();
        hello.Write(frame);
        connection.SetReadTimeout(timeout);
        try
        {
            if (!connection.Send(frame))
                throw new StageConnectException("the connection was lost during the handshake");
            var header = connection.Reader.ReadHeader();
            var payload = PayloadReader.ReadAll(connection.Reader);
            switch (header.Type)
            {
                case FrameType.Accept:
                    var accept = Accept.Read(payload, hello.Offered);
                    connection.Precision = accept.Precision;
                    return accept;
                case FrameType.Error or FrameType.Goodbye:
                    var refusal = Done.Read(payload);
                    throw new StageProtocolException(refusal.Code, refusal.Reason);
                default:
                    throw new StageProtocolException(StageErrorCode.Malformed, $"a frame {header.Type} answers a hello");
            }
        }
        catch (Exception loss) when (loss is IOException or ObjectDisposedException)
        {
            throw new StageConnectException($"the connection was lost during the handshake: {loss.Message}", loss);
        }
    }
}
