using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Bench;

/// <summary>
/// How fast this machine reads memory, measured in turns with what is limited by it: a virtual machine's share of the memory bus changes from
/// second to second.
/// </summary>
/// <param name="threads">Threads that read.</param>
/// <param name="time">The clock.</param>
sealed class ReadBandwidth(int threads, TimeProvider time)
{
    /// <summary>Whether enough memory is free to measure it.</summary>
    public bool IsMeasurable => Measure() is not null;

    /// <summary>Measures once, in about half a second; a <see cref="Measurement"/> whose result is bytes per second.</summary>
    public Task<double> MeasureAsync(BenchTest test, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Measure() ?? throw new CommandException(
            ExitCode.Failed, "Too little memory is free by now to measure its bandwidth; end what else uses memory."));
    }

    private double? Measure()
    {
        using var team = new WorkerTeam(threads);
        return MemoryBandwidth.Measure(team, MachineDescription.Read().MemoryAvailableBytes, time);
    }
}
