using System.Buffers.Binary;
using System.Diagnostics;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>
/// All remote stages of a deployment, as its head sees them: rows go to the first, from stage to stage, and come back from the last. The
/// head has a connection to each stage, so it sees at once which one is lost.
/// </summary>
/// <remarks>
/// <see cref="Depth"/> counts the remote stages. A head that computes layers of its own asks for one more, so that the stages are not left
/// without work meanwhile.
/// </remarks>
public sealed class RemoteChain : IModelStage, IFrameHandler
{
    readonly RemoteChainOptions _options;
    readonly ChainRecovery _recovery;
    readonly Lock _sending = new();
    readonly FrameBuffer _frame = new();
    readonly RowReader _rows = new();
    readonly Lock _gate = new();
    readonly Queue<PendingBatch> _pending = new();
    readonly Stack<PendingBatch> _free = new();
    readonly Dictionary<long, TaskCompletionSource<Done>> _operations = [];
    readonly ChainTraces _traces = new();
    ChainMember[] _members = [];
    BoundaryStore? _store;
    StageLostException? _loss;
    Action _lost = static () => { };
    long _number;
    uint _epoch;
    bool _isDisposed;

    RemoteChain(RemoteChainOptions options, IStageProvider provider, IStageDialer dialer, TimeProvider time)
    {
        options.Shape.Validate();
        ArgumentOutOfRangeException.ThrowIfNegative(options.ExtraDepth);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRecoveryAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Layers.Count, 1);
        _options = options;
        _recovery = new ChainRecovery(this, options, provider, dialer, time);
        _loss = new StageLostException(options.Layers, "the chain is not connected");
    }

    /// <summary>Finds stages, connects them, and makes a chain of them.</summary>
    /// <exception cref="StageLostException">There are none for some layers, or they can't be reached; the message says which.</exception>
    public static async Task<RemoteChain> ConnectAsync(
        RemoteChainOptions options, IStageProvider provider, IStageDialer dialer, TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        var chain = new RemoteChain(options, provider, dialer, time ?? TimeProvider.System);
        try
        {
            await chain.RecoverAsync([], cancellationToken).ConfigureAwait(false);
            return chain;
        }
        catch
        {
            chain.Dispose();
            throw;
        }
    }

    public LayerRange Layers => _options.Layers;

    /// <summary>Remote stages, and <see cref="RemoteChainOptions.ExtraDepth"/>.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
                return Math.Clamp(_members.Length + _options.ExtraDepth, 1, _recovery.InFlight);
        }
    }

    /// <summary>The stages in order, as of the last time that all of them worked.</summary>
    public IReadOnlyList<StageEndpoint> Stages
    {
        get
        {
            lock (_gate)
                return [.. _members.Select(member => member.Endpoint)];
        }
    }

    /// <inheritdoc/>
    public StageLostException? Loss
    {
        get
        {
            lock (_gate)
            {
                NoteLeaving();
                return _loss;
            }
        }
    }

    /// <inheritdoc/>
    public void WatchLosses(Action lost)
    {
        lock (_gate)
            _lost = lost;
    }

    /// <summary>Goes on without a stage from the next batch on, as if it had asked for that. Does nothing where it is not in use, or lost.</summary>
    /// <param name="stage">One of <see cref="Stages"/>.</param>
    /// <param name="reason">For the operator.</param>
    public void Leave(StageEndpoint stage, string reason)
    {
        lock (_gate)
        {
            if (Array.Find(_members, member => member is { Loss: null, Draining: null } && member.Endpoint == stage) is { } member)
                NoteDraining(member, reason);
        }
    }

    /// <summary>Those of <see cref="Stages"/> that are lost by now, whether or not anybody has needed them since.</summary>
    public IReadOnlyList<LostStage> Losses()
    {
        lock (_gate)
        {
            return [.. _members.Where(member => member.Loss is not null)
                .Select(member => new LostStage(member.Endpoint, member.Loss!) { IsUnreachable = member.Connection.WasSilent })];
        }
    }

    /// <summary>Names this head's run to the stages.</summary>
    internal Guid Session => _recovery.Session;

    /// <summary>Bytes of rows that the head keeps for a replacement of the first stage.</summary>
    public long BoundaryBytes => Volatile.Read(ref _store)?.Bytes ?? 0;

    /// <summary>The round trip and the bytes of each stage's connection to the head.</summary>
    public IReadOnlyList<StageLinkStatus> Links()
    {
        lock (_gate)
        {
            return [.. _members.Select(member => new StageLinkStatus(
                member.Endpoint.Name, member.Endpoint.Identity, member.Connection.RoundTrip, member.Connection.SentBytes, member.Connection.ReceivedBytes))];
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Rows, positions, blocks or activations do not fit together or the shape.</exception>
    /// <exception cref="StageBatchException">A stage could not compute this batch.</exception>
    /// <exception cref="OperationCanceledException">A stage saw the cancellation in time.</exception>
    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BatchCheck.Require(_options.Shape, batch, activations);
        lock (_sending)
        {
            var (pending, first, epoch) = Begin(activations, cancellationToken);

            // Its end may come from here on, and with it the next use of the object.
            var task = pending.Task;
            _frame.Begin(FrameType.Forward, epoch);
            BatchFrame.WriteHead(_frame, pending.Number, batch.Slices, batch.RowCount);
            var rows = BatchFrame.WriteRows(_frame, first.Precision, activations.Values, activations.Width);
            if (_options.KeepsRows)
                Store(first.Precision).Write(batch.Slices, rows);
            first.Send(_frame);
            return task;
        }
    }

    /// <inheritdoc/>
    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            NoteLeaving();
            if (_loss is null)
                return;
            if (_pending.Count > 0)
                throw new InvalidOperationException($"{_pending.Count} batches are under way; a chain recovers when all of them have ended");
        }
        var old = Members;
        await _recovery.RunAsync(sequences, cancellationToken).ConfigureAwait(false);
        _traces.TellNew(old, Members);
    }

    /// <inheritdoc/>
    public void BeginTrace(long sequenceId, ActivityContext parent) => _traces.Begin(sequenceId, parent, Members);

    /// <inheritdoc/>
    public void EndTrace(long sequenceId) => _traces.End(sequenceId, Members);

    public void Dispose()
    {
        ChainMember[] members;
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            members = _members;
            _loss = new StageLostException(Layers, "the chain is closed");
            EndAll(_loss);
        }
        foreach (var member in members)
            member.Connection.Close("the head is done");
    }

    void IFrameHandler.OnFrame(StageConnection connection, in FrameHeader header, FrameReader reader)
    {
        switch (header.Type)
        {
            case FrameType.Result:
                OnResult(connection, header.Epoch, reader);
                break;
            case FrameType.Failed:
                OnFailed(connection, header.Epoch, Done.Read(PayloadReader.ReadAll(reader)));
                break;
            case FrameType.Done:
                OnDone(header.Epoch, Done.Read(PayloadReader.ReadAll(reader)));
                break;
            case FrameType.LinkLost:
                OnLinkLost(connection, header.Epoch, Done.Read(PayloadReader.ReadAll(reader)));
                break;
            case FrameType.Drain:
                OnDrain(connection, Done.Read(PayloadReader.ReadAll(reader)).Reason);
                break;
            default:
                throw new StageProtocolException(StageErrorCode.Malformed, $"a stage does not send {header.Type} to its head");
        }
    }

    void IFrameHandler.OnClosed(StageConnection connection, string reason, ConnectionEnd end)
    {
        lock (_gate)
        {
            if (MemberOf(connection) is { } member)
                Lose(member, reason, end == ConnectionEnd.Fault);
        }
    }

    /// <summary>The stages that work, and those that do not.</summary>
    internal ChainMember[] Members
    {
        get
        {
            lock (_gate)
                return [.. _members];
        }
    }

    /// <summary>Precision of the rows that the head keeps, or none where it keeps none yet.</summary>
    internal ActivationPrecision StorePrecision => _store?.Precision ?? ActivationPrecision.None;

    /// <summary>Begins an epoch with these stages; what other ones send does not count from now on.</summary>
    internal uint BeginEpoch(ChainMember[] members)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _members = members;
            foreach (var member in members)
            {
                // What was lost before it became a member was nobody's.
                if (member.Connection.Loss is { } loss)
                    Lose(member, loss, isFault: false);
            }
            return ++_epoch;
        }
    }

    /// <summary>Ends a recovery.</summary>
    /// <returns>False where something was lost meanwhile.</returns>
    internal bool TryEndRecovery()
    {
        lock (_gate)
        {
            for (var i = 0; i < _members.Length; i++)
            {
                if (_members[i].Loss is not null || (i > 0 && _members[i].LinkedTo != _members[i - 1]))
                    return false;
            }
            if (!_isDisposed)
                _loss = null;
            return true;
        }
    }

    /// <summary>Runs something under the lock that members are changed under.</summary>
    internal void Change(Action change)
    {
        lock (_gate)
            change();
    }

    /// <summary>Waits for the end of a command. Ends early when a stage is lost.</summary>
    internal Task<Done> Expect(long operation)
    {
        lock (_gate)
        {
            if (_members.FirstOrDefault(member => member.Loss is not null) is { } lost)
                return Task.FromException<Done>(new StageLostException(lost.Endpoint.Layers, lost.Loss!));
            var source = new TaskCompletionSource<Done>(TaskCreationOptions.RunContinuationsAsynchronously);
            _operations[operation] = source;
            return source.Task;
        }
    }

    /// <summary>Sends the head's own boundary rows to the first stage again.</summary>
    internal void ReplayFirst(uint operation, uint epoch, IReadOnlyList<StoredSequence> sequences)
    {
        var first = Members[0].Connection;
        var frame = new FrameBuffer();
        var rows = BoundaryReplay.Run(_options.Shape, Store(first.Precision), sequences, epoch, frame, first.Send);
        if (rows is null && !first.IsLost)
            throw new InvalidOperationException("positions are to be rebuilt that this head never sent");
        new Done(operation, StageErrorCode.None, rows ?? 0, "").Write(frame, FrameType.RebuildEnd, epoch);
        first.Send(frame);
    }

    /// <summary>Asks all stages to pass over a batch.</summary>
    internal void Cancel(long number) => ThreadPool.UnsafeQueueUserWorkItem(
        static state =>
        {
            var frame = new FrameBuffer();
            new Done(state.number, StageErrorCode.Cancelled, 0, "").Write(frame, FrameType.Cancel, 0);
            foreach (var member in state.chain.Members)
                member.Connection.Send(frame);
        },
        (chain: this, number), preferLocal: false);

    internal void Release(PendingBatch batch)
    {
        lock (_gate)
            _free.Push(batch);
    }

    (PendingBatch Pending, StageConnection First, uint Epoch) Begin(Activations activations, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            NoteLeaving();
            if (_loss is not null)
                throw new StageLostException(_loss.Layers, _loss.Reason, _loss);
            if (_pending.Count >= _recovery.InFlight)
                throw new InvalidOperationException($"{_pending.Count} batches are under way; there may be {_recovery.InFlight}");
            if (!_free.TryPop(out var pending))
                pending = new PendingBatch(this);
            pending.Begin(_number++, activations, cancellationToken);
            _pending.Enqueue(pending);
            return (pending, _members[0].Connection, _epoch);
        }
    }

    BoundaryStore Store(ActivationPrecision precision)
    {
        if (_store?.Precision != precision)
            Volatile.Write(ref _store, new BoundaryStore(_options.Shape, precision));
        return _store;
    }

    void OnResult(StageConnection connection, uint epoch, FrameReader reader)
    {
        Span<byte> head = stackalloc byte[BatchFrame.ResultHeadBytes];
        reader.Read(head);
        var number = BinaryPrimitives.ReadInt64LittleEndian(head);
        var rows = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        if (Next(connection, epoch, number) is not { } pending)
        {
            reader.Skip();
            reader.EndFrame();
            return;
        }
        try
        {
            if (rows != pending.Activations.Rows)
            {
                throw new StageProtocolException(
                    StageErrorCode.WrongShape, $"{rows} rows come back of a batch that has {pending.Activations.Rows}");
            }
            _rows.Read(reader, connection.Precision, rows, pending.Activations);
        }
        catch
        {
            // The end of the connection, which follows, ends the call.
            lock (_gate)
                pending.IsReceiving = false;
            throw;
        }
        lock (_gate)
            _pending.Dequeue();
        pending.Succeed();
    }

    void OnFailed(StageConnection connection, uint epoch, Done failure)
    {
        if (Next(connection, epoch, failure.Operation) is not { } pending)
            return;
        lock (_gate)
            _pending.Dequeue();
        pending.Fail(failure.Code == StageErrorCode.Cancelled && pending.Token.IsCancellationRequested
            ? new OperationCanceledException(pending.Token)
            : new StageBatchException(failure.Code, failure.Reason));
    }

    /// <summary>The oldest batch under way, which the reader then has for itself; null for frames of an earlier epoch.</summary>
    PendingBatch? Next(StageConnection connection, uint epoch, long number)
    {
        lock (_gate)
        {
            if (epoch > _epoch)
                throw new StageProtocolException(StageErrorCode.WrongEpoch, $"a frame of epoch {epoch} in epoch {_epoch}");
            if (epoch < _epoch || _isDisposed)
                return null;
            if (_members.Length == 0 || connection != _members[^1].Connection)
                throw new StageProtocolException(StageErrorCode.Malformed, "only the last stage sends results");

            // Calls that a loss elsewhere has ended may still be answered.
            if (_pending.Count == 0 && _loss is not null)
                return null;
            if (_pending.Count == 0 || _pending.Peek().Number != number)
                throw new StageProtocolException(StageErrorCode.Malformed, $"the result of batch {number} is not the next one");
            _pending.Peek().IsReceiving = true;
            return _pending.Peek();
        }
    }

    void OnDone(uint epoch, Done done)
    {
        lock (_gate)
        {
            if (epoch == _epoch && _operations.Remove(done.Operation, out var source))
                source.SetResult(done);
        }
    }

    void OnLinkLost(StageConnection connection, uint epoch, Done loss)
    {
        lock (_gate)
        {
            var index = Array.FindIndex(_members, member => member.Connection == connection);
            if (epoch != _epoch || index < 0)
                return;
            var behind = loss.Operation == 0 ? index : index + 1;
            if (behind >= _members.Length)
                return;
            _members[behind].LinkedTo = null;

            // Who sent what can't be trusted is at the other end of this link; what it holds can't be trusted either.
            if (loss.Code == StageErrorCode.Malformed)
                Lose(_members[loss.Operation == 0 ? index - 1 : behind], $"its neighbour says: {loss.Reason}", isFault: true);
            else
                End(LinkLoss(_members[behind].Endpoint, loss.Reason));
        }
    }

    void OnDrain(StageConnection connection, string reason)
    {
        lock (_gate)
        {
            if (MemberOf(connection) is { } member)
                NoteDraining(member, reason);
        }
    }

    void NoteDraining(ChainMember member, string reason)
    {
        member.Draining = reason;
        _lost();
    }

    void NoteLeaving()
    {
        if (_loss is null && Array.Find(_members, member => member.Draining is not null) is { } leaving)
            _loss = new StageLostException(leaving.Endpoint.Layers, $"{leaving.Endpoint.Name} wants to leave: {leaving.Draining}");
    }

    static StageLostException LinkLoss(StageEndpoint behind, string reason) =>
        new(behind.Layers, $"the link to {behind.Name} is lost: {reason}");

    ChainMember? MemberOf(StageConnection connection) => Array.Find(_members, member => member.Connection == connection);

    /// <summary>Notes that a stage is lost. Under the lock.</summary>
    internal void Lose(ChainMember member, string reason, bool isFault)
    {
        if (member.Loss is not null)
            return;
        (member.Loss, member.IsFaulty) = (reason, isFault);
        member.Connection.Fail(reason);
        End(new StageLostException(member.Endpoint.Layers, $"{member.Endpoint.Name} is lost: {reason}"));
    }

    void End(StageLostException loss)
    {
        if (_isDisposed)
            return;
        _loss ??= loss;
        EndAll(loss);
        _lost();
        _options.OnEvent(loss.Message);
    }

    void EndAll(StageLostException loss)
    {
        var receiving = _pending.TryPeek(out var oldest) && oldest.IsReceiving ? _pending.Dequeue() : null;
        while (_pending.TryDequeue(out var pending))
            pending.Fail(new StageLostException(loss.Layers, loss.Reason, loss));
        if (receiving is not null)
            _pending.Enqueue(receiving);
        foreach (var operation in _operations.Values)
            operation.TrySetException(loss);
        _operations.Clear();
    }
}

/// <summary>What a connection of the head measured.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Peer">Who it is.</param>
/// <param name="RoundTrip">Of the last ping; zero before the first answer.</param>
/// <param name="SentBytes">To the stage.</param>
/// <param name="ReceivedBytes">From the stage.</param>
public readonly record struct StageLinkStatus(string Stage, PeerIdentity Peer, TimeSpan RoundTrip, long SentBytes, long ReceivedBytes);
