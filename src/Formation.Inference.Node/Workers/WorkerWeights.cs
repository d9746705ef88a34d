using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Weights;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Workers.Hosting;

namespace Formation.Inference.Node.Workers;

/// <summary>Brings workers the weights that they need and no others: from this machine where the gateway's file is here, too, else from gateway and peers.</summary>
/// <param name="weights">Fetches.</param>
public sealed class WorkerWeights(NodeWeights weights)
{
    // More than any model has: all layers that there are.
    private static readonly LayerRange AllLayers = new(0, int.MaxValue);

    /// <inheritdoc cref="FetchWeights"/>
    public async Task<WeightsOnDisk> FetchAsync(WorkerOrder order, IProgress<WeightsProgress> progress, CancellationToken cancellationToken)
    {
        var received = 0L;
        var report = new Relay(state => progress.Report(new WeightsProgress(
            state.BytesTotal == 0 ? 0 : (double)state.BytesDone / state.BytesTotal, state.Phase == FetchPhase.Fetching ? received = state.BytesDone : received)));
        var held = await weights.EnsureAsync(order.ModelDigest, PartOf(order), LocalPathsOf(order), report, cancellationToken);
        progress.Report(new WeightsProgress(1, held.Counters.ChunkBytesReceived));
        return new WeightsOnDisk(held.Path, held);
    }

    // A standby may have to take any worker's place, the head's too.
    private static ModelPart PartOf(WorkerOrder order) => order.Role switch
    {
        WorkerRole.Standby => new ModelPart(AllLayers, HasEnds: true),
        var role => new ModelPart(new LayerRange(order.Layers.First, order.Layers.Count), HasEnds: role == WorkerRole.Head) { Share = OrderShapes.ShareOf(order) },
    };

    private static IReadOnlyList<string> LocalPathsOf(WorkerOrder order) => File.Exists(order.ModelPath) ? [order.ModelPath] : [];

    // Told on the thread that fetches, in order.
    private sealed class Relay(Action<FetchProgress> tell) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => tell(value);
    }
}
