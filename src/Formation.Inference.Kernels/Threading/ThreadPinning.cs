using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// Ties the threads of a team to cores, one to each. Off unless asked for: where other programs run too, a tied thread waits for its own
/// core while another is idle (measured: jobs of 1 ms took 10 to 65 % longer on a busy 2-core machine, and none was faster on it).
/// </summary>
internal static unsafe partial class ThreadPinning
{
    /// <summary>Set to 1, it ties threads to cores where the process has as many cores as the team has threads.</summary>
    public const string EnvironmentVariable = "FORMATION_PIN_THREADS";

    private const int MaxProcessors = 4096;

    /// <summary>The processor of each worker, or null where threads are left to the system.</summary>
    public static IReadOnlyList<int>? Plan(int threads) =>
        Plan(threads, Environment.GetEnvironmentVariable(EnvironmentVariable), SystemFiles.OfThisMachine);

    internal static IReadOnlyList<int>? Plan(int threads, string? setting, SystemFiles files)
    {
        if (setting?.Trim() != "1" || CpuTopology.FirstProcessorOfEachCore(files) is not { } cores || cores.Count < threads)
            return null;
        // A container with a share of the processors' time does not own cores, however many it sees.
        return CgroupLimits.Read(files).Cpus is { } cpus && cpus < cores.Count ? null : cores;
    }

    /// <summary>Ties the current thread to a processor.</summary>
    /// <returns>False where the system refuses; the thread then runs where it did.</returns>
    public static bool TryPin(int processor)
    {
        if (processor is < 0 or >= MaxProcessors)
            return false;
        var mask = stackalloc ulong[MaxProcessors / 64];
        new Span<ulong>(mask, MaxProcessors / 64).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        return SetAffinity(0, MaxProcessors / 8, mask) == 0;
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);
}
