using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// The stages behind a head: connected when its model is loaded, and told of to the gateway whenever one is lost or all of them work again. Safe
/// to use from any thread.
/// </summary>
/// <param name="order">The head's.</param>
/// <param name="stages">Those that it may use.</param>
/// <param name="worker">What the head works with.</param>
/// <param name="recovered">Told how long a pause was in which a stage was replaced.</param>
sealed class HeadChain(WorkerOrder order, OrderedStages stages, WorkerContext worker, Action<TimeSpan> recovered)
{
    /// <summary>A stage that does not answer within this is as good as lost; another may be there already.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock _telling = new();
    private RemoteChain? _chain;

    /// <summary>Bytes of rows that the head keeps for a replacement of its first stage.</summary>
    public long BoundaryBytes => Volatile.Read(ref _chain)?.BoundaryBytes ?? 0;

    /// <summary>The head's connections to the stages that the gateway knows of.</summary>
    public IReadOnlyList<WorkerLink> Links()
    {
        var links = new List<WorkerLink>();
        foreach (var link in Volatile.Read(ref _chain)?.Links() ?? [])
            if (stages.IdOf(link.Peer) is { } id)
                links.Add(new WorkerLink(id, link.RoundTrip, link.SentBytes, link.ReceivedBytes));
        return links;
    }

    /// <summary>Waits until there are stages for all layers that the head has not got.</summary>
    /// <param name="model">Which layers there are.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public IModelStage Connect(ModelConfig model, CancellationToken cancellationToken)
    {
        worker.Status.Become(WorkerState.Waiting, "waits for the stages of the other layers");
        var options = new RemoteChainOptions
        {
            Shape = OrderShapes.Of(order, model),
            Layers = new LayerRange(order.Layers.End, model.LayerCount - order.Layers.End),
            Precision = OrderShapes.PrecisionOf(order),
            ExtraDepth = 1,
            // Told under the chain's lock, where nobody may wait for a pipe.
            OnEvent = _ => ThreadPool.QueueUserWorkItem(_ => NoteLosses()),
        };
        // A head calls and is never called by a stage.
        var dialer = new StageDialer(new StageCredentials(worker.Identity.Certificate, _ => false), DialTimeout, worker.Relays.Dialer);
        while (true)
        {
            try
            {
                var chain = RemoteChain.ConnectAsync(options, stages, dialer, worker.Clock, cancellationToken).GetAwaiter().GetResult();
                Volatile.Write(ref _chain, chain);
                NoteWhole(chain);
                return new ObservedChain(chain, worker.Clock, pause =>
                {
                    NoteWhole(chain);
                    recovered(pause);
                });
            }
            catch (StageLostException loss)
            {
                worker.Status.Say(report => report with { Reason = loss.Message });
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private void NoteWhole(RemoteChain chain)
    {
        lock (_telling)
        {
            stages.Succeeded();
            Say(chain, []);
        }
        // What was lost meanwhile was told of too early.
        NoteLosses();
    }

    // Looked at and told in one: of two losses at once, the later look must be the last word.
    private void NoteLosses()
    {
        lock (_telling)
        {
            if (Volatile.Read(ref _chain) is not { } chain || chain.Losses() is not { Count: > 0 } losses)
                return;
            stages.NoteSilent(losses);
            Say(chain, losses);
        }
    }

    private void Say(RemoteChain chain, IReadOnlyList<LostStage> losses)
    {
        var ids = chain.Stages.Where(stage => losses.All(loss => loss.Endpoint != stage)).Select(stage => stages.IdOf(stage.Identity)).OfType<string>().ToList();
        worker.Status.Say(report => report with { Chain = ids });
    }
}
