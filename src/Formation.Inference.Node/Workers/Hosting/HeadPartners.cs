using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// The workers that compute a head's model with it: connected when the model is loaded, and told of to the gateway whenever one is lost or all of
/// them work again. Safe to use from any thread.
/// </summary>
abstract class HeadPartners
{
    /// <summary>A worker that does not answer within this is as good as lost; another may be there already.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    private readonly Action<TimeSpan> _recovered;
    private readonly Lock _telling = new();
    private readonly IReadOnlyList<LostWorker>[] _lost;

    /// <param name="order">The head's.</param>
    /// <param name="worker">What the head works with.</param>
    /// <param name="recovered">Told how long a pause was in which a worker was replaced.</param>
    /// <param name="ranks">The ranks of those that it needs, each with a chain of its own.</param>
    protected HeadPartners(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered, IEnumerable<int> ranks)
    {
        (Order, Worker, _recovered) = (order, worker, recovered);
        Ordered = [.. ranks.Select((rank, i) => new OrderedStages(worker.Clock, lost => SayLost(i, lost), rank))];
        _lost = [.. Ordered.Select(_ => Array.Empty<LostWorker>())];
    }

    /// <summary>Those of a head's order: the members of its group, or the stages behind it.</summary>
    public static HeadPartners Of(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered) =>
        order.Members > 1 ? new HeadGroup(order, worker, recovered) : new HeadChain(order, worker, recovered);

    /// <summary>Bytes of rows that the head keeps for a replacement.</summary>
    public abstract long BoundaryBytes { get; }

    /// <summary>The connections, as many as there are in <see cref="Ordered"/>; null before the first one.</summary>
    protected abstract IReadOnlyList<RemoteChain?> Chains { get; }

    /// <summary>The head's.</summary>
    protected WorkerOrder Order { get; }

    /// <summary>What the head works with.</summary>
    protected WorkerContext Worker { get; }

    /// <summary>Those that the head may use.</summary>
    protected IReadOnlyList<OrderedStages> Ordered { get; }

    /// <summary>How a model is loaded that these have a part of.</summary>
    public abstract ModelLoadOptions Join(ModelLoadOptions options);

    /// <summary>Takes another order's workers in the place of those before.</summary>
    public void Follow(WorkerOrder newest)
    {
        foreach (var stages in Ordered)
            stages.Follow(newest);
        LeaveReplaced();
    }

    /// <summary>The head's connections to the workers that the gateway knows of.</summary>
    public IReadOnlyList<WorkerLink> Links() =>
    [
        .. from pair in Chains.Zip(Ordered)
           from link in pair.First?.Links() ?? []
           let id = pair.Second.IdOf(link.Peer)
           where id is not null
           select new WorkerLink(id, link.RoundTrip, link.SentBytes, link.ReceivedBytes),
    ];

    /// <summary>Connects, again and again until all are there.</summary>
    /// <param name="connect">Tries once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    protected IModelStage Connect<TStage>(Func<StageDialer, Task<TStage>> connect, CancellationToken cancellationToken)
        where TStage : IModelStage
    {
        // A head calls and is never called by those that it works with.
        var dialer = new StageDialer(new StageCredentials(Worker.Identity.Certificate, _ => false), DialTimeout, Worker.Relays.Dialer);
        while (true)
        {
            try
            {
                var stage = connect(dialer).GetAwaiter().GetResult();
                NoteWhole();
                // What was ordered while they were being connected was too early for that.
                LeaveReplaced();
                return new ObservedChain(stage, Worker.Clock, pause =>
                {
                    NoteWhole();
                    _recovered(pause);
                });
            }
            catch (StageLostException loss)
            {
                Worker.Status.Say(report => report with { Reason = loss.Message });
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Tells of what is lost by now. Called under locks of the connections, where nobody may wait for a pipe.</summary>
    protected void NoteLossesSoon() => ThreadPool.QueueUserWorkItem(_ => NoteLosses());

    // A stage that is to go says so to the head that it has then. That may have been another head, or this one before it was told of the successor.
    private void LeaveReplaced()
    {
        foreach (var (chain, stages) in Chains.Zip(Ordered))
        {
            foreach (var replaced in (chain?.Stages ?? []).Where(stages.HasOtherFor))
                chain!.Leave(replaced, "another has its layers");
        }
    }

    private void NoteWhole()
    {
        lock (_telling)
        {
            foreach (var (chain, stages) in Chains.Zip(Ordered))
                stages.Succeeded(chain?.Stages ?? []);
            Say([.. Chains.Select(_ => Array.Empty<LostStage>())]);
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
            foreach (var (stages, some) in Ordered.Zip(losses))
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
        foreach (var (chain, stages, lost) in Chains.Zip(Ordered, losses))
        {
            var working = (chain?.Stages ?? []).Where(stage => lost.All(loss => loss.Endpoint != stage));
            ids.AddRange(working.Select(stage => stages.IdOf(stage.Identity)).OfType<string>());
        }
        Worker.Status.Say(report => report with { Chain = ids });
    }

    private void SayLost(int index, IReadOnlyList<LostWorker> lost)
    {
        lock (_lost)
        {
            _lost[index] = lost;
            LostWorker[] all = [.. _lost.SelectMany(some => some)];
            Worker.Status.Say(report => report with { Lost = all });
        }
    }
}
