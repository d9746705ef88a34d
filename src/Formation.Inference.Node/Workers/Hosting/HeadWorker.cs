using System.Threading.Channels;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads;

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
    public static async Task RunAsync(WorkerCommand command, ChannelReader<WorkerCommand> commands, WorkerContext worker, CancellationToken stop)
    {
        var (order, status, clock) = (command.Order, worker.Status, worker.Clock);
        using var metrics = new EngineMetrics();
        HeadMeter? meter = null;
        var partners = new HeadPartners(order, worker, pause => meter?.Recovered(pause));
        TimedStage? own = null;
        var engine = new EngineOptions
        {
            Scheduler = new SchedulerOptions { MaxRunningSequences = order.Sequences, MaxPrefillTokens = order.PrefillTokens },
        };
        var loader = new ModelLoader(worker.Device, partners.Join(new ModelLoadOptions
        {
            ContextLength = order.ContextLength,
            KvFormat = OrderShapes.KvFormatOf(order),
            Engine = engine,
            Watch = stage => own = new TimedStage(stage, clock),
        }));
        await using var pool = new ModelPool(new ModelPoolOptions { Engine = engine }, loader.Measure, loader.Load, metrics, clock, worker.Loggers);
        pool.Add(order.ModelId, new ModelSource(command.ModelPath), clock.GetUtcNow());
        meter = new HeadMeter(new LocalBackend(pool, command.Threads), clock);
        var gateways = new PeerDirectory();
        var door = new HeadServer(meter, new HeadServerOptions(), clock);
        var protocols = new Dictionary<string, PeerHandler>(StringComparer.Ordinal) { [HeadServer.Protocol] = door.Handler };
        await using var listener = PeerListener.Start(command.Endpoint, worker.Identity, gateways, protocols, clock);
        worker.Relays.Door.Open(listener.Accept);
        status.Open(listener.Endpoint?.Port ?? 0);
        Follow(order);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var loading = LoadAsync(pool, order, status, ended.Token);
        var telling = FigureTeller.RunAsync(
            status,
            report => report with
            {
                Figures = meter.Figures,
                Decode = Volatile.Read(ref own)?.Work ?? default,
                Work = new StageFigures(0, 0, partners.BoundaryBytes),
                Links = partners.Links(),
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
            partners.Follow(newest);
        }
    }

    private static async Task LoadAsync(ModelPool pool, WorkerOrder order, StatusWriter status, CancellationToken stop)
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
}
