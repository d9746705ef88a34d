using System.Diagnostics;
using System.Runtime.InteropServices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>
/// Layers that this process shares with followers on other machines, as one stage: each batch goes to all of them, and all compute their share of
/// each layer at the same time (docs/adr/0024-tensor-parallelism.md). It keeps the rows that came in, so that the group can be rebuilt when a
/// follower is lost.
/// </summary>
/// <remarks>A batch that was begun is computed to its end; a cancellation counts before that.</remarks>
public sealed class TensorParallelStage : IModelStage
{
    const int MaxAttempts = 5;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    readonly TensorParallelOptions _options;
    readonly IStageDialer _dialer;
    readonly TimeProvider _time;
    readonly LeaderExchange _exchange;
    readonly IModelStage _own;
    readonly BoundaryStore _store;
    readonly Follower[] _followers;
    string? _loss = "the group is not connected";
    bool _isDisposed;

    TensorParallelStage(
        TensorParallelOptions options, LeaderExchange exchange, IModelStage own, IStageDialer dialer, TimeProvider time)
    {
        (_options, _exchange, _own, _dialer, _time) = (options, exchange, own, dialer, time);
        _store = new BoundaryStore(options.Shape, ActivationPrecision.F32);
        _followers = [.. options.Followers.Select((_, i) => new Follower(i + 1, options.Shape))];
    }

    /// <summary>Connects to the followers.</summary>
    /// <param name="createOwn">Makes the stage of the leader's share, of the same layers; belongs to the group from then on.</param>
    /// <param name="dialer">Reaches the followers.</param>
    /// <exception cref="StageLostException">A follower is not there, or can't be reached; the message says which.</exception>
    public static async Task<TensorParallelStage> ConnectAsync(
        TensorParallelOptions options, Func<ITensorExchange, IModelStage> createOwn, IStageDialer dialer, TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Followers.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Followers.Count, TensorShare.MaxCount - 1);
        options.Shape.Validate();
        var exchange = new LeaderExchange(options.Followers.Count + 1, options.Layers);
        var group = new TensorParallelStage(options, exchange, createOwn(exchange), dialer, time ?? TimeProvider.System);
        try
        {
            await group.RecoverAsync([], cancellationToken).ConfigureAwait(false);
            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    public LayerRange Layers => _options.Layers;

    /// <inheritdoc/>
    public StageLostException? Loss => _loss is { } loss
        ? new StageLostException(Layers, loss)
        : _followers.Select(follower => follower.Chain?.Loss).FirstOrDefault(found => found is not null);

    /// <summary>Each follower's connection for batches, from rank 1 on; null before the first one.</summary>
    public IReadOnlyList<RemoteChain?> Followers => [.. _followers.Select(follower => follower.Chain)];

    /// <summary>Bytes of rows that are kept for a rebuilding of the group.</summary>
    public long BoundaryBytes => _store.Bytes;

    /// <inheritdoc/>
    /// <exception cref="StageBatchException">A member has computed a value that is not finite.</exception>
    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        BatchCheck.Require(_options.Shape, batch, activations);
        if (_loss is { } loss)
            throw new StageLostException(Layers, loss);
        _store.Write(batch.Slices, MemoryMarshal.AsBytes(activations.Values));
        Compute(batch, activations);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void WatchLosses(Action lost)
    {
        foreach (var chain in Followers)
            chain?.WatchLosses(lost);
    }

    /// <inheritdoc/>
    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Loss is not { } loss)
            return;
        _loss = loss.Reason;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await TryRecoverAsync(sequences, cancellationToken).ConfigureAwait(false);
                break;
            }
            catch (StageLostException failure) when (attempt < MaxAttempts)
            {
                // A follower that has ended may refuse a link before the loss of its other connection is seen.
                _options.OnEvent($"attempt {attempt} of {MaxAttempts} to recover: {failure.Message}");
                await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
            }
        }
        _loss = null;
        _options.OnEvent($"{Layers} are shared with {string.Join(", ", _followers.Select(follower => follower.Chain!.Stages[0].Name))}");
    }

    /// <inheritdoc/>
    public void BeginTrace(long sequenceId, ActivityContext parent)
    {
        foreach (var chain in Followers)
            chain?.BeginTrace(sequenceId, parent);
    }

    /// <inheritdoc/>
    public void EndTrace(long sequenceId)
    {
        foreach (var follower in _followers)
            follower.EndTrace(sequenceId);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _exchange.Close("the leader is done");
        foreach (var follower in _followers)
            follower.Chain?.Dispose();
        _own.Dispose();
    }

    async Task TryRecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        _exchange.Close("the group is made anew");
        foreach (var follower in _followers)
        {
            await follower.SettleAsync().ConfigureAwait(false);
            await ConnectAsync(follower, cancellationToken).ConfigureAwait(false);
        }
        await Task.Run(() => Rebuild(sequences, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    void Compute(Batch batch, Activations activations)
    {
        try
        {
            foreach (var follower in _followers)
                follower.Begin(batch, activations, loss => _exchange.Close(loss));

            // Computes on this thread, as every local stage does.
            _own.ForwardAsync(batch, activations, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }
        catch (StageBatchException)
        {
            // Every member has left the batch at the same sum.
            throw;
        }
        catch (Exception failure)
        {
            // Who knows where the others are in it.
            var loss = failure as StageLostException;
            _loss = loss?.Reason ?? $"a batch could not be computed: {failure.GetType().Name}";
            _exchange.Close(_loss);
            _options.OnEvent($"{Layers}: {_loss}");
            throw loss is null ? new StageLostException(Layers, _loss, failure) : new StageLostException(Layers, loss.Reason, loss);
        }
    }

    // What the members hold of a sequence fits together alone, so all of them compute it again.
    void Rebuild(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        var activations = new Activations(_options.Shape.MaxRows, _options.Shape.HiddenSize);
        var total = 0L;
        foreach (var (slices, rows) in BoundaryReplay.Plan(_options.Shape, sequences))
        {
            cancellationToken.ThrowIfCancellationRequested();
            activations.SetRows(rows);
            foreach (var slice in slices)
                for (var row = 0; row < slice.RowCount; row++)
                    if (!_store.TryRead(slice.BlockTable.Span, slice.FirstPosition + row, MemoryMarshal.AsBytes(activations.Row(slice.FirstRow + row))))
                        throw new InvalidOperationException("positions are to be rebuilt that this group never computed");
            Compute(new Batch(0, slices), activations);
            total += rows;
        }
        if (total > 0)
            _options.OnEvent($"{Layers}: {total} positions of {sequences.Count} sequences were rebuilt");
    }

    async Task ConnectAsync(Follower follower, CancellationToken cancellationToken)
    {
        if (follower.Chain is { } chain)
            await chain.RecoverAsync([], cancellationToken).ConfigureAwait(false);
        else
            follower.Chain = chain = await RemoteChain.ConnectAsync(OptionsOf(follower), _options.Followers[follower.Rank - 1], _dialer, _time, cancellationToken).ConfigureAwait(false);
        if (chain.Stages is not [var endpoint])
            throw new StageLostException(Layers, $"member {follower.Rank} is to be one machine, and several were offered");
        StageConnection? connection = null;
        try
        {
            connection = new StageConnection(
                await _dialer.DialAsync(endpoint.Address, endpoint.Identity, cancellationToken).ConfigureAwait(false), _time, _options.Heartbeat);
            var hello = HelloTo(follower, chain);
            await Task.Run(() => StageHandshake.Dial(connection, _options.HandshakeTimeout, hello), cancellationToken).ConfigureAwait(false);
            _exchange.Attach(follower.Rank, new TensorLink(connection));
        }
        catch (Exception failure) when (failure is StageConnectException or StageProtocolException)
        {
            connection?.Dispose();
            throw new StageLostException(Layers, $"{endpoint.Name} can't be linked: {failure.Message}", failure);
        }
    }

    RemoteChainOptions OptionsOf(Follower follower) => new()
    {
        Shape = _options.Shape,
        Layers = Layers,
        ExtraDepth = Follower.Batches - 1,
        KeepsRows = false,
        Heartbeat = _options.Heartbeat,
        HandshakeTimeout = _options.HandshakeTimeout,
        OnEvent = text =>
        {
            // A follower that falls silent is seen here first; the thread that waits for its sums must not wait longer.
            if (follower.Chain?.Losses() is { Count: > 0 })
                _exchange.Close(text);
            _options.OnEvent($"member {follower.Rank}: {text}");
        },
    };

    Hello HelloTo(Follower follower, RemoteChain chain) => new()
    {
        Role = PeerRole.Leader,
        Session = chain.Session,
        Layers = Layers,
        Offered = ActivationPrecision.F32,
        Preferred = ActivationPrecision.F32,
        InFlight = Follower.Batches,
        Shape = _options.Shape,
        Share = _exchange.Share with { Rank = follower.Rank },
    };
}
