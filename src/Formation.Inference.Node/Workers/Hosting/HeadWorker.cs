using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// A worker that leads a replica: the engine with the first layers here and a chain of stages behind them, and a door for gateways. Prompts come
/// in here and go no further.
/// </summary>
static class HeadWorker
{
    /// <summary>How long a head that leaves may finish what it has in hand.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);

    /// <summary>Loads, serves, and follows its orders until they end.</summary>
    public static async Task RunAsync(
        WorkerCommand command, ChannelReader<WorkerCommand> commands, NodeIdentity identity, WorkerRelays relays, CpuDevice device, WorkerStatus status,
        TimeProvider clock, ILoggerFactory loggers, CancellationToken stop)
    {
        var order = command.Order;
        using var metrics = new EngineMetrics();
        var stages = new OrderedStages(clock, lost => status.Say(report => report with { Lost = lost }));
        HeadMeter? meter = null;
        RemoteChain? chain = null;
        var engine = new EngineOptions
        {
            Scheduler = new SchedulerOptions { MaxRunningSequences = order.Sequences, MaxPrefillTokens = order.PrefillTokens },
        };
        var loader = new ModelLoader(device, new ModelLoadOptions
        {
            ContextLength = order.ContextLength,
            KvFormat = OrderShapes.KvFormatOf(order),
            Engine = engine,
            Distant = new DistantLayers(
                order.Layers.End, order.KvBlocks, (model, cancellation) => Connect(order, model, stages, identity, relays.Dialer, status, clock, pause => meter?.Recovered(pause), made => Volatile.Write(ref chain, made), cancellation)),
        });
        await using var pool = new ModelPool(new ModelPoolOptions { Engine = engine }, loader.Measure, loader.Load, metrics, clock, loggers);
        pool.Add(order.ModelId, new ModelSource(command.ModelPath), clock.GetUtcNow());
        meter = new HeadMeter(new LocalBackend(pool, command.Threads), clock);
        var gateways = new PeerDirectory();
        var door = new HeadServer(meter, new HeadServerOptions(), clock);
        var protocols = new Dictionary<string, PeerHandler>(StringComparer.Ordinal) { [HeadServer.Protocol] = door.Handler };
        await using var listener = PeerListener.Start(command.Endpoint, identity, gateways, protocols, clock);
        relays.Door.Open(listener.Accept);
        status.Open(listener.Endpoint?.Port ?? 0);
        Follow(order);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var loading = LoadAsync(pool, order, status, ended.Token);
        var telling = FigureTeller.RunAsync(
            status,
            report => report with
            {
                Figures = meter.Figures,
                Work = new StageFigures(0, 0, Volatile.Read(ref chain)?.BoundaryBytes ?? 0),
                Links = LinksOf(Volatile.Read(ref chain), stages),
            },
            clock, ended.Token);
        try
        {
            await foreach (var next in commands.ReadAllAsync(stop))
            {
                Follow(next.Order);
                if (next.Order.IsLeaving)
                    break;
            }
            // Another head takes over: its stages are let go, and the gateways continue with it what is not done here.
            ended.Cancel();
            door.Leave();
            await pool.StopAsync(StopLimit);
            status.Become(WorkerState.Waiting, "another head has taken over");
            await pool.DisposeAsync();
            await Task.Delay(Timeout.Infinite, stop);
        }
        finally
        {
            ended.Cancel();
            await Task.WhenAll(loading, telling);
        }

        void Follow(WorkerOrder newest)
        {
            gateways.Replace([.. newest.Callers.Select((pin, i) => new NodePeer($"gateway-{i}", pin, [], IsOnline: true))]);
            stages.Follow(newest);
        }
    }

    private static async Task LoadAsync(ModelPool pool, WorkerOrder order, WorkerStatus status, CancellationToken stop)
    {
        try
        {
            if (await pool.LoadAsync(order.ModelId, stop) is { } error)
                status.Become(WorkerState.Failed, error.Message);
            else
                status.Become(WorkerState.Ready);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static IModelStage Connect(
        WorkerOrder order, ModelConfig model, OrderedStages stages, NodeIdentity identity, IRelayDialer relays, WorkerStatus status, TimeProvider clock,
        Action<TimeSpan> recovered, Action<RemoteChain> made, CancellationToken cancellationToken)
    {
        status.Become(WorkerState.Waiting, "waits for the stages of the other layers");
        RemoteChain? chain = null;
        var options = new RemoteChainOptions
        {
            Shape = OrderShapes.Of(order, model),
            Layers = new LayerRange(order.Layers.End, model.LayerCount - order.Layers.End),
            Precision = OrderShapes.PrecisionOf(order),
            ExtraDepth = 1,
            // Told under the chain's lock, where nobody may wait for a pipe.
            OnEvent = _ => ThreadPool.QueueUserWorkItem(_ => NoteLosses(Volatile.Read(ref chain), stages, status)),
        };
        // A head calls and is never called by a stage.
        var dialer = new StageDialer(new StageCredentials(identity.Certificate, _ => false), DialTimeout, relays);
        while (true)
        {
            try
            {
                var connected = RemoteChain.ConnectAsync(options, stages, dialer, clock, cancellationToken).GetAwaiter().GetResult();
                Volatile.Write(ref chain, connected);
                made(connected);
                NoteWhole(connected, stages, status);
                return new ObservedChain(connected, clock, pause =>
                {
                    NoteWhole(connected, stages, status);
                    recovered(pause);
                });
            }
            catch (StageLostException loss)
            {
                status.Say(report => report with { Reason = loss.Message });
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>A stage that does not answer within this is as good as lost; another may be there already.</summary>
    private static TimeSpan DialTimeout { get; } = TimeSpan.FromSeconds(2);

    private static IReadOnlyList<WorkerLink> LinksOf(RemoteChain? chain, OrderedStages stages)
    {
        var links = new List<WorkerLink>();
        foreach (var link in chain?.Links() ?? [])
            if (stages.IdOf(link.Peer) is { } id)
                links.Add(new WorkerLink(id, link.RoundTrip, link.SentBytes, link.ReceivedBytes));
        return links;
    }

    private static void NoteWhole(RemoteChain chain, OrderedStages stages, WorkerStatus status)
    {
        stages.Succeeded();
        SayChain(chain, [], stages, status);
    }

    private static void NoteLosses(RemoteChain? chain, OrderedStages stages, WorkerStatus status)
    {
        if (chain?.Losses() is not { Count: > 0 } losses)
            return;
        stages.NoteSilent(losses);
        SayChain(chain, losses, stages, status);
    }

    private static void SayChain(RemoteChain chain, IReadOnlyList<LostStage> losses, OrderedStages stages, WorkerStatus status)
    {
        var ids = chain.Stages.Where(stage => losses.All(loss => loss.Endpoint != stage)).Select(stage => stages.IdOf(stage.Identity)).OfType<string>().ToList();
        status.Say(report => report with { Chain = ids });
    }
}
