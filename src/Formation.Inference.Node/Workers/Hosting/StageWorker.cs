using System.Threading.Channels;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>A worker that computes layers for a head elsewhere.</summary>
static class StageWorker
{
    /// <summary>Loads, serves, and follows its orders until they end.</summary>
    public static async Task RunAsync(WorkerCommand command, ChannelReader<WorkerCommand> commands, WorkerContext worker, CancellationToken stop)
    {
        var (order, status, clock) = (command.Order, worker.Status, worker.Clock);
        var layers = order.Layers.Range();
        using var file = GgufFile.Open(command.ModelPath);
        var share = OrderShapes.ShareOf(order);
        using var model = TransformerModel.LoadPart(file, new ModelPart(layers, HasEnds: false) { Share = share }, worker.Device, status, stop);
        using var exchange = share.IsPart ? new FollowerExchange(share, layers) : null;
        using var stage = new TimedStage(
            model.CreateStage(
                layers, model.KvShape(layers, order.KvBlocks, order.KvBlockSize, OrderShapes.KvFormatOf(order)), order.MaxRows, exchange), clock);
        var trusted = new TrustedKeys(order);
        var credentials = new StageCredentials(worker.Identity.Certificate, trusted.IsKnown);
        var options = new StageServerOptions { Shape = OrderShapes.Of(order, model.Config), IsHead = trusted.IsHead, Exchange = exchange };
        using var server = new StageServer(stage, options, new StageDialer(credentials, relays: worker.Relays.Dialer), clock);
        using var listener = StageListener.Tls(command.Endpoint, credentials, server.Accept);
        worker.Relays.Door.Open(listener.Accept);
        status.Open(listener.Port);
        status.Become(WorkerState.Ready);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var telling = FigureTeller.RunAsync(
            status,
            report => report with { Work = new StageFigures(server.RowsComputed, server.RowsRebuilt, server.BoundaryBytes), Decode = share.IsPart ? default : stage.Work },
            clock, ended.Token);
        try
        {
            await FollowAsync(commands, trusted, server, stop);
        }
        finally
        {
            ended.Cancel();
            await telling;
        }
    }

    private static async Task FollowAsync(ChannelReader<WorkerCommand> commands, TrustedKeys trusted, StageServer server, CancellationToken stop)
    {
        var isLeaving = false;
        await foreach (var next in commands.ReadAllAsync(stop))
        {
            trusted.Follow(next.Order);
            if (next.Order.IsLeaving && !isLeaving)
                server.Drain("its node is drained");
            isLeaving = next.Order.IsLeaving;
        }
    }
}
