using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Workers;

namespace Formation.Inference.Cli.Nodes;

static class LocalWeights
{
    public static Task<WeightsOnDisk> FindAsync(WorkerOrder order, IProgress<WeightsProgress> progress, CancellationToken cancellationToken) =>
        File.Exists(order.ModelPath) ? Task.FromResult(new WeightsOnDisk(order.ModelPath)) : throw new IOException($"there is no file {order.ModelPath} here");
}
