using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Kernels.Machine;

/// <summary>What this process has to work with: the machine, less what a container or an affinity mask takes away.</summary>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Cpu">The processor.</param>
/// <param name="Kernels">The kernels in use.</param>
/// <param name="Processors">Hardware threads that this process may use (affinity and processor limit counted).</param>
/// <param name="Cores">Cores behind them; equal to <paramref name="Processors"/> where the system does not say.</param>
/// <param name="Limits">Limits of the control groups.</param>
/// <param name="MemoryTotalBytes">Memory of the machine, or of the control group where that is less.</param>
/// <param name="MemoryAvailableBytes">What can be allocated now without swapping or being killed.</param>
public sealed record MachineDescription(
    string OperatingSystem,
    CpuFeatures Cpu,
    KernelPath Kernels,
    int Processors,
    int Cores,
    CgroupLimits Limits,
    long MemoryTotalBytes,
    long MemoryAvailableBytes)
{
    /// <summary>
    /// Threads to compute with when nobody says otherwise: one for each core, and no more than keep the processor time of the control group
    /// busy. A fraction is rounded up: a thread that is held back for a part of the time does more than one that is not there.
    /// </summary>
    public int DefaultThreads =>
        (int)Math.Clamp(Math.Min(Math.Min(Processors, Cores), Math.Ceiling(Limits.Cpus ?? Processors)), 1, Threading.WorkerTeam.MaxThreads);

    /// <summary>Describes this machine as it is now; cheap.</summary>
    /// <exception cref="InvalidOperationException">The kernels asked for by the environment can't be used, see <see
    /// cref="KernelPaths.Current"/>.</exception>
    public static MachineDescription Read() => Read(SystemFiles.OfThisMachine, Environment.ProcessorCount);

    internal static MachineDescription Read(SystemFiles files, int processors)
    {
        var limits = CgroupLimits.Read(files);
        var (total, available) = Memory(files);
        if (limits.MemoryBytes is { } limit)
        {
            available = Math.Min(available, Math.Max(0, limit - (limits.MemoryUsedBytes ?? 0)));
            total = Math.Min(total, limit);
        }
        return new MachineDescription(
            RuntimeInformation.OSDescription,
            CpuFeatures.Read(files),
            KernelPaths.Current,
            processors,
            CpuTopology.Cores(files) ?? processors,
            limits,
            total,
            available);
    }

    private static (long Total, long Available) Memory(SystemFiles files)
    {
        const long kibi = 1024;
        if (files.Named("proc/meminfo", "MemTotal") is { } total and > 0 and < long.MaxValue / kibi
            && files.Named("proc/meminfo", "MemAvailable") is { } available and >= 0 and < long.MaxValue / kibi)
            return (total * kibi, available * kibi);
        var collector = GC.GetGCMemoryInfo();
        return (collector.TotalAvailableMemoryBytes, Math.Max(0, collector.TotalAvailableMemoryBytes - collector.MemoryLoadBytes));
    }
}
