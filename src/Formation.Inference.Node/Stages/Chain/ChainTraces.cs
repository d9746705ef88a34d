using System.Diagnostics;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>The traced sequences of a head, as its stages are told of them: each stage that wants to know, once. Safe from any thread.</summary>
internal sealed class ChainTraces
{
    readonly Lock _lock = new();
    readonly Dictionary<long, ActivityContext> _traced = [];
    readonly FrameBuffer _frame = new();

    public void Begin(long sequenceId, ActivityContext parent, ChainMember[] members)
    {
        lock (_lock)
        {
            if (_traced.TryAdd(sequenceId, parent))
                Send(members, frame => TraceFrame.WriteBegin(frame, sequenceId, parent));
        }
    }

    public void End(long sequenceId, ChainMember[] members)
    {
        lock (_lock)
        {
            if (_traced.Remove(sequenceId))
                Send(members, frame => TraceFrame.WriteEnd(frame, sequenceId));
        }
    }

    /// <summary>Tells stages that have come later of the sequences that live.</summary>
    public void TellNew(ChainMember[] old, ChainMember[] members)
    {
        lock (_lock)
        {
            ChainMember[] newcomers = [.. members.Except(old)];
            foreach (var (sequenceId, parent) in _traced)
                Send(newcomers, frame => TraceFrame.WriteBegin(frame, sequenceId, parent));
        }
    }

    void Send(ChainMember[] members, Action<FrameBuffer> write)
    {
        foreach (var member in members)
        {
            if (!member.TakesTraces)
                continue;
            write(_frame);
            member.Connection.Send(_frame);
        }
    }
}
