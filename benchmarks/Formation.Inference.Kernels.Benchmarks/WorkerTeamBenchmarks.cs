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

    [Benchmark]
    public void EmptyJob() => _team!.Run(new EmptyTasks(), _team.Threads * 4);

    private readonly struct EmptyTasks : IJob
    {
        public void Execute(int task, int worker)
        {
        }
    }
}
