using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// What a stage holds for one run of a head: the connections of the current epoch, the boundary store, and room for batches. It outlives a
/// lost connection to its head, so that a head that comes back finds the keys and values where they were.
/// </summary>
internal sealed class StageSession : IFrameHandler
{
    const int RememberedCancellations = 64;

    readonly StageServerOptions _options;
    readonly LayerRange _layers;
    readonly StageComputer _computer;
    readonly StageLinks _links;
    readonly object _gate = new();
    readonly Stack<BatchWork> _reserve = new();
    readonly BlockOwners _owners;
    readonly long[] _cancelled = new long[RememberedCancellations];
    int _nextCancelled;
    BatchWork? _computing;
    BoundaryStore? _store;
    uint _epoch;

    public StageSession(Hello hello, LayerRange layers, StageServerOptions options, StageLinks links, StageComputer computer, TimeProvider clock)
    {
        (Id, Shape, _layers, _options, _links, _computer) = (hello.Session, hello.Shape, layers, options, links, computer);
        _owners = new BlockOwners(Shape);
        Traces = new StageTraces(layers, clock);
        _cancelled.AsSpan().Fill(-1);

        // One more than are under way: while the last is being sent, the next is being read.
        for (var i = 0; i <= hello.InFlight; i++)
            _reserve.Push(new BatchWork(this, Shape));
        InFlight = hello.InFlight;
    }

    public Guid Id { get; }

    /// <summary>What was agreed with the head.</summary>
    public StageShape Shape { get; }

    public int InFlight { get; }

    public StageTraces Traces { get; }

    /// <summary>The last epoch that a route began; its keys and values are still here.</summary>
    public uint HeldEpoch { get; private set; }

    /// <summary>The connection to the head, or null while there is none.</summary>
    public StageConnection? Head { get; private set; }

    /// <summary>Why a batch of an epoch's replay could not be computed. The computing thread's.</summary>
    public (uint Epoch, Done Failure)? RebuildFailure { get; set; }

    /// <summary>Bytes of the boundary store.</summary>
    public long BoundaryBytes => Volatile.Read(ref _store)?.Bytes ?? 0;

    /// <summary>Whether a head's hello goes on with this session.</summary>
    public bool Continues(Hello hello) => (Id, Shape, InFlight) == (hello.Session, hello.Shape, hello.InFlight);

    /// <summary>Makes this connection the head's.</summary>
    public void Attach(StageConnection head)
    {
        StageConnection? old;
        lock (_gate)
        {
            old = Head;
            (Head, _epoch) = (head, 0);
        }
        Traces.EndAll();
        old?.Fail("the head has connected again");
        _links.Begin(this, "the head has connected again");
    }

    public bool IsCurrent(uint epoch)
    {
        lock (_gate)
            return epoch == _epoch && epoch != 0;
    }

    public void OnFrame(StageConnection connection, in FrameHeader header, FrameReader reader)
    {
        var isHead = connection == Head;
        switch (header.Type)
        {
            case FrameType.Route when isHead:
                OnRoute(header.Epoch, Route.Read(PayloadReader.ReadAll(reader)));
                break;
            case FrameType.Cancel when isHead:
                OnCancel(Done.Read(PayloadReader.ReadAll(reader)).Operation);
                break;
            case FrameType.Trace when isHead:
                var (sequence, parent) = TraceFrame.ReadBegin(PayloadReader.ReadAll(reader));
                Traces.Begin(sequence, parent);
                break;
            case FrameType.TraceEnd when isHead:
                Traces.End(TraceFrame.ReadEnd(PayloadReader.ReadAll(reader)));
                break;
            case FrameType.Replay when isHead:
                OnReplay(header.Epoch, PayloadReader.ReadAll(reader, Shape.MaxPayload));
                break;
            case FrameType.Forward or FrameType.Rebuild or FrameType.Failed or FrameType.RebuildEnd
                when _links.IsUpstream(connection, isHead):
                OnUpstream(connection, header, reader);
                break;
            default:
                throw new StageProtocolException(StageErrorCode.Malformed, $"a frame {header.Type} has no place here");
        }
    }

    public void OnClosed(StageConnection connection, string reason, ConnectionEnd end)
    {
        _options.OnConnectionEnded(reason);
        var isHead = false;
        lock (_gate)
        {
            if (connection == Head)
            {
                (Head, _epoch, isHead) = (null, 0, true);
                _computing?.Cancel();
                Monitor.PulseAll(_gate);
            }
        }
        if (isHead)
        {
            Traces.EndAll();
            _links.Close(this, "the head is lost");
        }
        else if (_links.Lose(connection) is var (isDownstream, epoch))
        {
            Report(LinkLoss(isDownstream, reason, end), FrameType.LinkLost, epoch);
        }
    }

    /// <summary>Tells the head that the stage wants to leave.</summary>
    public void Drain(string reason) => Report(new Done(0, StageErrorCode.None, 0, reason), FrameType.Drain);

    /// <summary>Begins to compute a batch.</summary>
    /// <returns>False where nobody waits for it any more.</returns>
    public bool Begin(BatchWork work)
    {
        lock (_gate)
        {
            if (work.Epoch != _epoch || _epoch == 0)
                return false;
            _computing = work;
            if (!work.IsRebuild && _cancelled.AsSpan().Contains(work.Content.Number))
                work.Cancel();
            return true;
        }
    }

    public void End()
    {
        lock (_gate)
            _computing = null;
    }

    /// <summary>Gives a batch's memory back to the reserve.</summary>
    public void Release(BatchWork work)
    {
        work.Reset();
        lock (_gate)
        {
            _reserve.Push(work);
            Monitor.PulseAll(_gate);
        }
    }

    public Done? CheckBlocks(BatchWork work) => _owners.Write(work.Content.Batch) is { } fault
        ? new Done(work.Content.Number, StageErrorCode.WrongBlock, 0, $"{_layers}: {fault}")
        : null;

    /// <summary>Sends computed rows to whoever is next, and keeps them where that is a stage.</summary>
    public void SendRows(FrameBuffer frame, BatchWork work)
    {
        var content = work.Content;
        if (_links.Downstream is { } downstream)
        {
            frame.Begin(FrameType.Forward, work.Epoch);
            BatchFrame.WriteHead(frame, content.Number, content.Batch.Slices, content.Batch.RowCount);
            var rows = BatchFrame.WriteRows(frame, downstream.Precision, content.Activations.Values, Shape.HiddenSize);
            Store(downstream.Precision).Write(content.Batch.Slices, rows);
            downstream.Send(frame);
        }
        else if (_links.IsLast && Head is { } head)
        {
            frame.Begin(FrameType.Result, work.Epoch);
            BatchFrame.WriteResultHead(frame, content.Number, content.Batch.RowCount);
            BatchFrame.WriteRows(frame, head.Precision, content.Activations.Values, Shape.HiddenSize);
            head.Send(frame);
        }
    }

    /// <summary>Keeps computed rows without sending them: the stages behind this one have theirs.</summary>
    public void KeepRows(FrameBuffer frame, BatchWork work)
    {
        if (_links.Downstream is not { } downstream)
            return;
        frame.Begin(FrameType.Forward);
        var rows = BatchFrame.WriteRows(frame, downstream.Precision, work.Content.Activations.Values, Shape.HiddenSize);
        Store(downstream.Precision).Write(work.Content.Batch.Slices, rows);
    }

    /// <summary>Sends a failed batch the way of its rows, so that results stay in order.</summary>
    public void SendFailure(FrameBuffer frame, uint epoch, Done failure)
    {
        failure.Write(frame, FrameType.Failed, epoch);
        (_links.Downstream ?? (_links.IsLast ? Head : null))?.Send(frame);
    }

    public void Replay(FrameBuffer frame, ReplayWork work)
    {
        if (_links.Downstream is not { } downstream)
            return;
        var epoch = work.Epoch;
        var sent = BoundaryReplay.Run(
            Shape, Store(downstream.Precision), work.Sequences, epoch, frame, next => IsCurrent(epoch) && downstream.Send(next));
        if (sent is { } rows)
        {
            new Done(work.Operation, StageErrorCode.None, rows, "").Write(frame, FrameType.RebuildEnd, work.Epoch);
            downstream.Send(frame);
        }
        else if (IsCurrent(epoch) && !downstream.IsLost)
        {
            var missing = new Done(work.Operation, StageErrorCode.BoundaryMissing, 0, $"{_layers} never sent some of the positions");
            Report(missing, FrameType.Done, epoch);
        }
    }

    public void ReportRebuilt(FrameBuffer frame, RebuildEndWork work)
    {
        var done = RebuildFailure is var (epoch, failure) && epoch == work.Epoch
            ? failure with { Operation = work.Sent.Operation }
            : work.Sent;
        RebuildFailure = null;
        done.Write(frame, FrameType.Done, work.Epoch);
        Head?.Send(frame);
    }

    /// <summary>Ends all connections.</summary>
    public void Close(string reason)
    {
        Head?.Close(reason);
        _links.Close(this, reason);
    }

    static Done LinkLoss(bool isDownstream, string reason, ConnectionEnd end) => new(
        isDownstream ? 1 : 0, end == ConnectionEnd.Fault ? StageErrorCode.Malformed : StageErrorCode.LinkFailed, 0, reason);

    BoundaryStore Store(ActivationPrecision precision)
    {
        if (_store?.Precision != precision)
            Volatile.Write(ref _store, new BoundaryStore(Shape, precision));
        return _store;
    }

    void OnRoute(uint epoch, Route route)
    {
        if (epoch <= HeldEpoch)
            throw new StageProtocolException(StageErrorCode.WrongEpoch, $"epoch {epoch} is to begin behind epoch {HeldEpoch}");
        _links.Expect(epoch, route, Volatile.Read(ref _store)?.Precision);
        lock (_gate)
        {
            (_epoch, HeldEpoch) = (epoch, epoch);
            _computing?.Cancel();
            Monitor.PulseAll(_gate);
        }

        // Dialling waits, and the head's next frames must not wait with it.
        var head = Head;
        new Thread(() =>
        {
            var done = _links.Establish(this, epoch, route);
            if (IsCurrent(epoch))
                Report(done, FrameType.Done, epoch, head);
        })
        { IsBackground = true, Name = "stage route" }.Start();
    }

    void OnCancel(long number)
    {
        lock (_gate)
        {
            _cancelled[_nextCancelled++ % RememberedCancellations] = number;
            if (_computing is { IsRebuild: false } work && work.Content.Number == number)
                work.Cancel();
        }
    }

    void OnReplay(uint epoch, byte[] payload)
    {
        var (operation, sequences) = ReplayFrame.Read(payload, Shape);
        _computer.Post(new ReplayWork(this, operation, sequences) { Epoch = epoch });
    }

    void OnUpstream(StageConnection connection, in FrameHeader header, FrameReader reader)
    {
        lock (_gate)
        {
            if (header.Epoch > HeldEpoch)
                throw new StageProtocolException(StageErrorCode.WrongEpoch, $"a frame of epoch {header.Epoch} in epoch {HeldEpoch}");
        }
        if (header.Type is FrameType.Forward or FrameType.Rebuild)
            OnBatch(connection, header, reader);
        else
            OnMarker(header, Done.Read(PayloadReader.ReadAll(reader)));
    }

    void OnMarker(in FrameHeader header, Done content)
    {
        StageWork work = header.Type == FrameType.Failed ? new FailedWork(this, content) : new RebuildEndWork(this, content);
        work.Epoch = header.Epoch;
        _computer.Post(work);
    }

    void OnBatch(StageConnection connection, in FrameHeader header, FrameReader reader)
    {
        if (!IsCurrent(header.Epoch) || TakeFromReserve(header.Epoch) is not { } work)
        {
            reader.Skip();
            reader.EndFrame();
            return;
        }
        try
        {
            work.Content.Read(reader, connection.Precision);
        }
        catch
        {
            Release(work);
            throw;
        }
        (work.Epoch, work.IsRebuild, work.Arrived) = (header.Epoch, header.Type == FrameType.Rebuild, Traces.Now());
        _computer.Post(work);
    }

    /// <summary>Waits until a batch's memory is free: the sender is then held back by its full connection.</summary>
    BatchWork? TakeFromReserve(uint epoch)
    {
        lock (_gate)
        {
            BatchWork? work;
            while (!_reserve.TryPop(out work) && epoch == _epoch)
                Monitor.Wait(_gate);
            return work;
        }
    }

    void Report(Done content, FrameType type, uint epoch = 0, StageConnection? head = null)
    {
        var frame = new FrameBuffer();
        content.Write(frame, type, epoch);
        (head ?? Head)?.Send(frame);
    }
}
