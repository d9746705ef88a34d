using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Nodes;

/// <summary>What this machine can say of itself as a node: measured once, at the start, because nothing else computes here then.</summary>
sealed class MachineInventory
{
    private readonly NodeReport _report;

    /// <param name="machine">This machine.</param>
    /// <param name="name">Name of the node.</param>
    /// <param name="region">Its region; empty where that does not matter.</param>
    /// <param name="memoryBytes">What the operator gives to models.</param>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="time">The clock that measures.</param>
    public MachineInventory(MachineDescription machine, string name, string region, long memoryBytes, int threads, TimeProvider time)
    {
        using var team = new WorkerTeam(threads);
        var read = MemoryBandwidth.Measure(team, machine.MemoryAvailableBytes, time) ?? 0;
        _report = new NodeReport
        {
            Name = name,
            Region = region,
            Version = typeof(MachineInventory).Assembly.GetName().Version?.ToString(3) ?? "unknown",
            Devices = [new DeviceReport(machine.Cpu.Name, KernelPaths.Name(machine.Kernels), threads, read, MultiplyAddsPerSecond: 0)],
            MemoryBytes = memoryBytes,
            FreeMemoryBytes = memoryBytes,
        };
    }

    /// <summary>What it is now.</summary>
    public NodeReport Report() => _report;
}
