using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>The one thread of a stage that computes, and sends what it has computed. Readers hand it their work in order.</summary>
internal sealed class StageComputer : IDisposable
{
    readonly IModelStage _stage;
    readonly Queue<StageWork> _queue = new();
    readonly FrameBuffer _frame = new();
    readonly FrameBuffer _rows = new();
    readonly Thread _thread;
    bool _isDisposed;
    long _rowsComputed;
    long _rowsRebuilt;

    public StageComputer(IModelStage stage)
    {
        _stage = stage;
        _thread = new Thread(Run) { IsBackground = true, Name = $"stage {stage.Layers}" };
        _thread.Start();
    }

    /// <summary>Rows computed so far, rebuilt ones apart.</summary>
    public long RowsComputed => Volatile.Read(ref _rowsComputed);

    /// <summary>Rows computed so far for their keys and values alone.</summary>
    public long RowsRebuilt => Volatile.Read(ref _rowsRebuilt);

    public void Post(StageWork work)
    {
        lock (_queue)
        {
            _queue.Enqueue(work);
            Monitor.Pulse(_queue);
        }
    }

    /// <summary>Ends the thread; a batch that is being computed is finished first.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _isDisposed = true;
            Monitor.Pulse(_queue);
        }
        _thread.Join();
    }

    void Run()
    {
        while (Next() is { } work)
        {
            try
            {
                Run(work.Session, work);
            }
            catch (Exception fault)
            {
                // For instance no memory for a boundary's rows. The head finds another stage; this one may serve again.
                work.Session.Head?.Refuse(StageErrorCode.ComputeFailed, $"{_stage.Layers}: {fault.GetType().Name}: {fault.Message}");
            }
            if (work is BatchWork batch)
                work.Session.Release(batch);
        }
    }

    void Run(StageSession session, StageWork work)
    {
        switch (work)
        {
            case BatchWork batch:
                Compute(session, batch);
                break;
            case FailedWork failed when session.IsCurrent(work.Epoch):
                session.SendFailure(_frame, failed.Epoch, failed.Failure);
                break;
            case ReplayWork replay when session.IsCurrent(work.Epoch):
                session.Replay(_frame, replay);
                break;
            case RebuildEndWork end when session.IsCurrent(work.Epoch):
                session.ReportRebuilt(_frame, end);
                break;
        }
    }

    StageWork? Next()
    {
        lock (_queue)
        {
            StageWork? work;
            while (!_queue.TryDequeue(out work) && !_isDisposed)
                Monitor.Wait(_queue);
            return _isDisposed ? null : work;
        }
    }

    void Compute(StageSession session, BatchWork work)
    {
        if (!session.Begin(work))
            return;
        var began = session.Traces.Now();
        var failure = session.CheckBlocks(work) ?? Forward(work);
        session.End();
        if (!session.IsCurrent(work.Epoch))
            return;
        if (work.IsRebuild)
            Interlocked.Add(ref _rowsRebuilt, work.Content.Batch.RowCount);
        else
        {
            Interlocked.Add(ref _rowsComputed, work.Content.Batch.RowCount);
            session.Traces.Computed(work.Content.Batch, work.Arrived, began);
        }

        if (failure is null && work.IsRebuild)
            session.KeepRows(_rows, work);
        else if (failure is null)
            session.SendRows(_frame, work);
        else if (work.IsRebuild)
            session.RebuildFailure = (work.Epoch, failure);
        else
            session.SendFailure(_frame, work.Epoch, failure);
    }

    /// <summary>Replaces the rows by the layers' output.</summary>
    /// <returns>Why that failed, or null.</returns>
    Done? Forward(BatchWork work)
    {
        var number = work.Content.Number;
        try
        {
            var forward = _stage.ForwardAsync(work.Content.Batch, work.Content.Activations, work.Cancelled);
            if (forward.IsCompleted)
                forward.GetAwaiter().GetResult();
            else
                forward.AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return new Done(number, StageErrorCode.Cancelled, 0, "the head cancelled the batch");
        }
        catch (StageBatchException fault)
        {
            return new Done(number, fault.Code, 0, $"{_stage.Layers}: {fault.Reason}");
        }
        catch (Exception fault)
        {
            // The kinds of faults that a stage may have are its own; each ends the batch, none the worker.
            return new Done(number, StageErrorCode.ComputeFailed, 0, $"{_stage.Layers}: {fault.GetType().Name}: {fault.Message}");
        }
        return RowCodec.IsFinite(work.Content.Activations.Values)
            ? null
            : new Done(number, StageErrorCode.NotFinite, 0, $"{_stage.Layers} computed a value that is not finite");
    }
}
