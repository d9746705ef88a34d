using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>A job given as a delegate: training's jobs are long enough that a delegate's cost does not show.</summary>
internal readonly struct DenseJob(Action<int, int> execute) : IJob
{
    public void Execute(int task, int worker) => execute(task, worker);

    /// <summary>Calls <paramref name="execute"/> once for each task, on all threads of the team.</summary>
    public static void Run(WorkerTeam team, int tasks, Action<int, int> execute) => team.Run(new DenseJob(execute), tasks);
}
