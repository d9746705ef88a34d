using BenchmarkDotNet.Attributes;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>What handing tasks to the threads and waiting for them costs when the tasks are empty.</summary>
[MemoryDiagnoser]
public class WorkerTeamBenchmarks
{
    private WorkerTeam? _team;

    [GlobalSetup]
    public void Setup() => _team = new WorkerTeam(MachineDescription.Read().DefaultThreads);

    [GlobalCleanup]
    public void Cleanup() => _team?.Dispose();

    [Benchmark(Baseline = true)]
    public void EmptyJob() => _team!.Run(new EmptyTasks(), _team.Threads * 4);

    /// <summary>The same handed to other threads only, as it is for a caller that is not fit for matrix tiles.</summary>
    [Benchmark]
    public void EmptyTileJob() => _team!.RunOnTileThreads(new EmptyTasks(), _team.Threads * 4);

    private readonly struct EmptyTasks : IJob
    {
        public void Execute(int task, int worker)
        {
        }
    }
}
