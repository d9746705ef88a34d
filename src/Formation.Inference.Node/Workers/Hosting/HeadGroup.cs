using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// The members that share a head's layers with it: connected when its model is loaded, and told of to the gateway as the stages of a chain are. Safe
/// to use from any thread.
/// </summary>
sealed class HeadGroup
{
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    private readonly WorkerOrder _order;
    private readonly WorkerContext _worker;
    private readonly Action<TimeSpan> _recovered;
    private readonly Lock _telling = new();
    private readonly OrderedStages[] _members;
    private readonly IReadOnlyList<LostWorker>[] _lost;
    private TensorParallelStage? _group;

    /// <param name="order">The head's.</param>
    /// <param name="worker">What the head works with.</param>
    /// <param name="recovered">Told how long a pause was in which a member was replaced.</param>
    public HeadGroup(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered)
    {
        (_order, _worker, _recovered) = (order, worker, recovered);
        _lost = [.. Enumerable.Repeat<IReadOnlyList<LostWorker>>([], order.Members)];
        _members = [.. Enumerable.Range(1, order.Members - 1).Select(rank => new OrderedStages(worker.Clock, lost => SayLost(rank, lost), rank))];
    }

    /// <summary>How many share the layers, the head included.</summary>
    public int Members => _order.Members;

    /// <summary>Bytes of rows that are kept for a rebuilding of the group.</summary>
    public long BoundaryBytes => Volatile.Read(ref _group)?.BoundaryBytes ?? 0;

    /// <summary>Takes another order's members in the place of those before.</summary>
    public void Follow(WorkerOrder newest)
    {
        foreach (var member in _members)
            member.Follow(newest);
    }

    /// <summary>The head's connections to the members that the gateway knows of.</summary>
    public IReadOnlyList<WorkerLink> Links() =>
    [
        .. from pair in (Volatile.Read(ref _group)?.Followers ?? []).Zip(_members)
           from link in pair.First?.Links() ?? []
           let id = pair.Second.IdOf(link.Peer)
           where id is not null
           select new WorkerLink(id, link.RoundTrip, link.SentBytes, link.ReceivedBytes),
    ];

    /// <summary>Waits until all members are there.</summary>
    /// <param name="model">The whole model's shape.</param>
    /// <param name="own">Makes the stage of the head's own share.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public IModelStage Connect(ModelConfig model, Func<ITensorExchange, IModelStage> own, CancellationToken cancellationToken)
    {
        _worker.Status.Become(WorkerState.Waiting, "waits for those that share its layers");
        var options = new TensorParallelOptions
        {
            Shape = OrderShapes.Of(_order, model),
            Layers = _order.Layers.Range(),
            Followers = _members,
            // Told under locks of the connections, where nobody may wait for a pipe.
            OnEvent = _ => ThreadPool.QueueUserWorkItem(_ => NoteLosses()),
        };
        // A head calls and is never called by a member.
        var dialer = new StageDialer(new StageCredentials(_worker.Identity.Certificate, _ => false), DialTimeout, _worker.Relays.Dialer);
        while (true)
        {
            try
            {
                var group = TensorParallelStage.ConnectAsync(options, own, dialer, _worker.Clock, cancellationToken).GetAwaiter().GetResult();
                Volatile.Write(ref _group, group);
                NoteWhole(group);
                return new ObservedChain(group, _worker.Clock, pause =>
                {
                    NoteWhole(group);
                    _recovered(pause);
                });
            }
            catch (StageLostException loss)
            {
                _worker.Status.Say(report => report with { Reason = loss.Message });
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private void NoteWhole(TensorParallelStage group)
    {
        lock (_telling)
        {
            foreach (var member in _members)
                member.Succeeded();
            Say(group);
        }
        // What was lost meanwhile was told of too early.
        NoteLosses();
    }

    private void NoteLosses()
    {
        lock (_telling)
        {
            if (Volatile.Read(ref _group) is not { } group)
                return;
            var isLost = false;
            foreach (var (chain, member) in group.Followers.Zip(_members))
            {
                if (chain?.Losses() is not { Count: > 0 } losses)
                    continue;
                isLost = true;
                member.NoteSilent(losses);
            }
            if (isLost)
                Say(group);
        }
    }

    private void Say(TensorParallelStage group)
    {
        var ids = new List<string>();
        foreach (var (chain, member) in group.Followers.Zip(_members))
        {
            var losses = chain?.Losses() ?? [];
            ids.AddRange((chain?.Stages ?? []).Where(stage => losses.All(loss => loss.Endpoint != stage)).Select(stage => member.IdOf(stage.Identity)).OfType<string>());
        }
        _worker.Status.Say(report => report with { Chain = ids });
    }

    private void SayLost(int rank, IReadOnlyList<LostWorker> lost)
    {
        lock (_lost)
        {
            _lost[rank] = lost;
            LostWorker[] all = [.. _lost.SelectMany(some => some)];
            _worker.Status.Say(report => report with { Lost = all });
        }
    }
}
