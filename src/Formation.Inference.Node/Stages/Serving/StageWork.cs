using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>Something that a stage does in the order in which it came.</summary>
/// <param name="session">Whose work it is.</param>
internal abstract class StageWork(StageSession session)
{
    public StageSession Session => session;

    /// <summary>The epoch that it belongs to; in another one it is passed over.</summary>
    public uint Epoch { get; set; }
}

/// <summary>Rows to compute. Taken from the session's reserve and given back to it.</summary>
internal sealed class BatchWork(StageSession session, StageShape shape) : StageWork(session)
{
    CancellationTokenSource _cancellation = new();

    public ReceivedBatch Content { get; } = new(shape);

    /// <summary>Whether only keys and values are wanted.</summary>
    public bool IsRebuild { get; set; }

    /// <summary>When it had come, or 0 where nothing is traced.</summary>
    public long Arrived { get; set; }

    public CancellationToken Cancelled => _cancellation.Token;

    public void Cancel() => _cancellation.Cancel();

    /// <summary>Makes it ready for other rows.</summary>
    public void Reset()
    {
        if (_cancellation.TryReset())
            return;
        _cancellation.Dispose();
        _cancellation = new CancellationTokenSource();
    }
}

/// <summary>A batch that a stage before this one could not compute.</summary>
internal sealed class FailedWork(StageSession session, Done failure) : StageWork(session)
{
    public Done Failure => failure;
}

/// <summary>Positions whose rows are sent downstream again.</summary>
internal sealed class ReplayWork(StageSession session, uint operation, StoredSequence[] sequences) : StageWork(session)
{
    public uint Operation => operation;

    public StoredSequence[] Sequences => sequences;
}

/// <summary>The end of the rows that rebuild this stage.</summary>
internal sealed class RebuildEndWork(StageSession session, Done sent) : StageWork(session)
{
    public Done Sent => sent;
}
