using Formation.Inference.Kernels.Dense;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Training.Layers;

/// <summary>The threads that a model trains on and what they share.</summary>
public sealed class TrainingDevice : IDisposable
{
    /// <param name="threads">Threads that work; the results do not depend on it.</param>
    public TrainingDevice(int threads)
    {
        Team = new WorkerTeam(threads, "form-training");
        Product = new DenseProduct(Team);
    }

    public WorkerTeam Team { get; }

    public DenseProduct Product { get; }

    public void Dispose()
    {
        Product.Dispose();
        Team.Dispose();
    }
}
