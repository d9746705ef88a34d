namespace Formation.Inference.Kernels.Threading;

/// <summary>Work cut into tasks that may run at the same time. A struct, and a ref struct where it is to hold spans.</summary>
public interface IJob
{
    /// <summary>Does one task. What it writes depends on <paramref name="task"/> alone, never on which worker runs it or when.</summary>
    /// <param name="task">From 0; each number is run exactly once.</param>
    /// <param name="worker">Which worker runs it, from 0 (the caller, or the thread that stands in for it) to <see
    /// cref="WorkerTeam.Threads"/> - 1: for scratch memory only.</param>
    void Execute(int task, int worker);
}
