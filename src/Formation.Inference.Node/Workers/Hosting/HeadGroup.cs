using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Groups;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>The members that share a head's layers with it.</summary>
sealed class HeadGroup(WorkerOrder order, WorkerContext worker, Action<TimeSpan> recovered)
    : HeadPartners(order, worker, recovered, Enumerable.Range(1, order.Members - 1))
{
    private TensorParallelStage? _group;

    public override long BoundaryBytes => Volatile.Read(ref _group)?.BoundaryBytes ?? 0;

    protected override IReadOnlyList<RemoteChain?> Chains => Volatile.Read(ref _group)?.Followers ?? [.. Ordered.Select(_ => default(RemoteChain))];

    public override ModelLoadOptions Join(ModelLoadOptions options) =>
        options with { Shared = new SharedLayers(Order.Members, Order.KvBlocks, Connect) };

    private IModelStage Connect(ModelConfig model, Func<ITensorExchange, IModelStage> own, CancellationToken cancellationToken)
    {
        Worker.Status.Become(WorkerState.Waiting, "waits for those that share its layers");
        var options = new TensorParallelOptions
        {
            Shape = OrderShapes.Of(Order, model),
            Layers = Order.Layers.Range(),
            Followers = Ordered,
            OnEvent = _ => NoteLossesSoon(),
        };
        return Connect(
            async dialer =>
            {
                var group = await TensorParallelStage.ConnectAsync(options, own, dialer, Worker.Clock, cancellationToken);
                Volatile.Write(ref _group, group);
                return group;
            },
            cancellationToken);
    }
}
