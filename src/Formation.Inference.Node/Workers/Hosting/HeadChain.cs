using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>The stages behind a head, which have the layers that it has not.</summary>
sealed class HeadChain(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered) : HeadPartners(order, worker, recovered, [0])
{
    private RemoteChain? _chain;

    public override long BoundaryBytes => Volatile.Read(ref _chain)?.BoundaryBytes ?? 0;

    protected override IReadOnlyList<RemoteChain?> Chains => [Volatile.Read(ref _chain)];

    public override ModelLoadOptions Join(ModelLoadOptions options) =>
        options with { Distant = new DistantLayers(Order.Layers.End, Order.KvBlocks, Connect) };

    private IModelStage Connect(ModelConfig model, CancellationToken cancellationToken)
    {
        Worker.Status.Become(WorkerState.Waiting, "waits for the stages of the other layers");
        var options = new RemoteChainOptions
        {
            Shape = OrderShapes.Of(Order, model),
            Layers = new LayerRange(Order.Layers.End, model.LayerCount - Order.Layers.End),
            Precision = OrderShapes.PrecisionOf(Order),
            ExtraDepth = 1,
            OnEvent = _ => NoteLossesSoon(),
        };
        return Connect(
            async dialer =>
            {
                var chain = await RemoteChain.ConnectAsync(options, Ordered[0], dialer, Worker.Clock, cancellationToken);
                Volatile.Write(ref _chain, chain);
                return chain;
            },
            cancellationToken);
    }
}
