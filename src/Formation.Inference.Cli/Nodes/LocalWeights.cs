using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Workers;

namespace Formation.Inference.Cli.Nodes;

static class LocalWeights
{
    public static Task<string> FindAsync(WorkerOrder order, IProgress<FetchedWeights> progress, CancellationToken cancellationToken) =>
        File.Exists(order.ModelPath) ? Task.FromResult(order.ModelPath) : throw new IOException($"there is no file {order.ModelPath} here");
}
