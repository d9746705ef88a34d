using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Bench;

/// <summary>The speed at which this machine reads memory, measured several times between the tests of a run; the best counts.</summary>
/// <param name="threads">Threads that read.</param>
/// <param name="time">The clock.</param>
sealed class ReadBandwidth(int threads, TimeProvider time)
{
    /// <summary>Bytes per second, or null where too little memory is free to measure it.</summary>
    public double? Best { get; private set; }

    /// <summary>Measures once more, in about half a second.</summary>
    public void Measure()
    {
        using var team = new WorkerTeam(threads);
        if (MemoryBandwidth.Measure(team, MachineDescription.Read().MemoryAvailableBytes, time) is { } speed)
            Best = Math.Max(Best ?? 0, speed);
    }
}
