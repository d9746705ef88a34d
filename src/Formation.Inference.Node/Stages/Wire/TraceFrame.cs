using System.Diagnostics;
using System.Text;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>The frames that tell a stage which sequences are traced: once for each sequence, never with its batches.</summary>
internal static class TraceFrame
{
    /// <summary>Writes that a sequence is traced.</summary>
    public static void WriteBegin(FrameBuffer frame, long sequenceId, ActivityContext parent)
    {
        frame.Begin(FrameType.Trace);
        frame.Int64(sequenceId);
        frame.Bytes(Encoding.ASCII.GetBytes(TraceParent.Format(parent)));
    }

    /// <summary>Writes that a traced sequence has ended.</summary>
    public static void WriteEnd(FrameBuffer frame, long sequenceId)
    {
        frame.Begin(FrameType.TraceEnd);
        frame.Int64(sequenceId);
    }

    /// <exception cref="StageProtocolException">It is longer or shorter than it must be, or names no span.</exception>
    public static (long SequenceId, ActivityContext Parent) ReadBegin(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var sequence = reader.Int64();
        if (!TraceParent.TryParse(reader.Take(TraceParent.Length), out var parent))
            throw new StageProtocolException(StageErrorCode.Malformed, "a trace's parent is none");
        reader.End();
        return (sequence, parent);
    }

    /// <exception cref="StageProtocolException">It is longer or shorter than it must be.</exception>
    public static long ReadEnd(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var sequence = reader.Int64();
        reader.End();
        return sequence;
    }
}
