using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// The workers that compute a head's model with it: the members that share its layers, and the stages behind it, which have the layers that it has
/// not. Connected when the model is loaded, and told of to the gateway whenever one is lost or all of them work again. Safe to use from any thread.
/// </summary>
sealed class HeadPartners
{
    /// <summary>A worker that does not answer within this is as good as lost; another may be there already.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    private readonly WorkerOrder _order;
    private readonly WorkerContext _worker;
    private readonly Action<TimeSpan> _recovered;
    private readonly Lock _telling = new();
    private readonly IReadOnlyList<LostWorker>[] _lost;
    private TensorParallelStage? _group;
    private RemoteChain? _chain;
    private long? _lostAt;

    // By rank: the stages behind the head, and then each member. Each has a chain of its own.
    private readonly OrderedStages[] _ordered;

    /// <param name="order">The head's.</param>
    /// <param name="worker">What the head works with.</param>
    /// <param name="recovered">Told how long a pause was in which a worker was replaced.</param>
    public HeadPartners(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered)
    {
        (_order, _worker, _recovered) = (order, worker, recovered);
        _ordered = [.. Enumerable.Range(0, order.Members).Select(rank => new OrderedStages(worker.Clock, lost => SayLost(rank, lost), rank))];
        _lost = [.. _ordered.Select(_ => Array.Empty<LostWorker>())];
    }

    /// <summary>Bytes of rows that the head keeps for a replacement.</summary>
    public long BoundaryBytes => (Volatile.Read(ref _group)?.BoundaryBytes ?? 0) + (Volatile.Read(ref _chain)?.BoundaryBytes ?? 0);

    // As many as there are in _ordered; null before the first connection.
    private IReadOnlyList<RemoteChain?> Chains =>
        [Volatile.Read(ref _chain), .. Volatile.Read(ref _group)?.Followers ?? [.. _ordered.Skip(1).Select(_ => default(RemoteChain))]];

    /// <summary>How a model is loaded that these have a part of.</summary>
    public ModelLoadOptions Join(ModelLoadOptions options) => options with
    {
        Shared = _order.Members > 1 ? new SharedLayers(_order.Members, _order.KvBlocks, ConnectGroup) : null,
        Distant = new DistantLayers(_order.Layers.End, _order.KvBlocks, ConnectChain),
    };

    /// <summary>Takes another order's workers in the place of those before.</summary>
    public void Follow(WorkerOrder newest)
    {
        foreach (var stages in _ordered)
            stages.Follow(newest);
        LeaveReplaced();
    }

    /// <summary>The head's connections to the workers that the gateway knows of.</summary>
    public IReadOnlyList<WorkerLink> Links() =>
    [
        .. from pair in Chains.Zip(_ordered)
           from link in pair.First?.Links() ?? []
           let id = pair.Second.IdOf(link.Peer)
           where id is not null
           select new WorkerLink(id, link.RoundTrip, link.SentBytes, link.ReceivedBytes),
    ];

    private IModelStage ConnectGroup(ModelConfig model, Func<ITensorExchange, IModelStage> own, CancellationToken cancellationToken)
    {
        _worker.Status.Become(WorkerState.Waiting, "waits for those that share its layers");
        var options = new TensorParallelOptions
        {
            Shape = OrderShapes.Of(_order, model),
            Layers = _order.Layers.Range(),
            Followers = _ordered[1..],
            OnEvent = _ => NoteLossesSoon(),
        };
        return Connect(
            async dialer =>
            {
                var group = await TensorParallelStage.ConnectAsync(options, own, dialer, _worker.Clock, cancellationToken);
                Volatile.Write(ref _group, group);
                return group;
            },
            rank => rank > 0, model, cancellationToken);
    }

    private IModelStage ConnectChain(ModelConfig model, CancellationToken cancellationToken)
    {
        _worker.Status.Become(WorkerState.Waiting, "waits for the stages of the other layers");
        var options = new RemoteChainOptions
        {
            Shape = OrderShapes.Of(_order, model),
            Layers = new LayerRange(_order.Layers.End, model.LayerCount - _order.Layers.End),
            Precision = OrderShapes.PrecisionOf(_order),
            ExtraDepth = 1,
            OnEvent = _ => NoteLossesSoon(),
        };
        return Connect(
            async dialer =>
            {
                var chain = await RemoteChain.ConnectAsync(options, _ordered[0], dialer, _worker.Clock, cancellationToken);
                Volatile.Write(ref _chain, chain);
                return chain;
            },
            rank => rank == 0, model, cancellationToken);
    }

    // Tries again and again until all are there. A head calls and is never called by those that it works with.
    private ObservedChain Connect<TStage>(
        Func<StageDialer, Task<TStage>> connect, Func<int, bool> isOf, ModelConfig model, CancellationToken cancellationToken)
        where TStage : IModelStage
    {
        var dialer = new StageDialer(new StageCredentials(_worker.Identity.Certificate, _ => false), DialTimeout, _worker.Relays.Dialer);
        while (true)
        {
            try
            {
                var stage = connect(dialer).GetAwaiter().GetResult();
                NoteWhole(isOf);
                // What was ordered while they were being connected was too early for that.
                LeaveReplaced();
                return new ObservedChain(stage, NoteRecovering, () =>
                {
                    NoteWhole(isOf);
                    // They recover in the order of their layers.
                    if (stage.Layers.End == model.LayerCount)
                        NoteRecovered();
                });
            }
            catch (StageLostException loss)
            {
                _worker.Status.Say(report => report with { Reason = loss.Message });
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    // Both on the engine's way to its next step, one after the other. Attempts that fail belong to the same pause.
    private void NoteRecovering() => _lostAt ??= _worker.Clock.GetTimestamp();

    // A stage that is to go says so to the head that it has then. That may have been another head, or this one before it was told of the successor.
    private void LeaveReplaced()
    {
        foreach (var (chain, stages) in Chains.Zip(_ordered))
        {
            foreach (var replaced in (chain?.Stages ?? []).Where(stages.HasOtherFor))
                chain!.Leave(replaced, "another has its layers");
        }
    }

    private void NoteRecovered()
    {
        _recovered(_worker.Clock.GetElapsedTime(_lostAt!.Value));
        _lostAt = null;
    }

    // Called under locks of the connections, where nobody may wait for a pipe.
    private void NoteLossesSoon() => ThreadPool.QueueUserWorkItem(_ => NoteLosses());

    private void NoteWhole(Func<int, bool> isOf)
    {
        lock (_telling)
        {
            foreach (var (rank, stages) in _ordered.Index().Where(stages => isOf(stages.Index)))
                stages.Succeeded(Chains[rank]?.Stages ?? []);
            Say([.. Chains.Select((chain, rank) => isOf(rank) ? [] : chain?.Losses() ?? [])]);
        }
        // What was lost meanwhile was told of too early.
        NoteLosses();
    }

    // Looked at and told in one: of two losses at once, the later look must be the last word.
    private void NoteLosses()
    {
        lock (_telling)
        {
            IReadOnlyList<LostStage>[] losses = [.. Chains.Select(chain => chain?.Losses() ?? [])];
            if (losses.All(some => some.Count == 0))
                return;
            foreach (var (stages, some) in _ordered.Zip(losses))
            {
                if (some.Count > 0)
                    stages.NoteSilent(some);
            }
            Say(losses);
        }
    }

    private void Say(IReadOnlyList<LostStage>[] losses)
    {
        var ids = new List<string>();
        foreach (var (chain, stages, lost) in Chains.Zip(_ordered, losses))
        {
            var working = (chain?.Stages ?? []).Where(stage => lost.All(loss => loss.Endpoint != stage));
            ids.AddRange(working.Select(stage => stages.IdOf(stage.Identity)).OfType<string>());
        }
        _worker.Status.Say(report => report with { Chain = ids });
    }

    private void SayLost(int index, IReadOnlyList<LostWorker> lost)
    {
        lock (_lost)
        {
            _lost[index] = lost;
            LostWorker[] all = [.. _lost.SelectMany(some => some)];
            _worker.Status.Say(report => report with { Lost = all });
        }
    }
}
