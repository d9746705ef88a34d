using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Node.Inventory;

/// <summary>What an operator says of a node.</summary>
public sealed record InventoryOptions
{
    /// <summary>The node's name.</summary>
    public required string Name { get; init; }

    public string Region { get; init; } = "";

    /// <summary>Bytes that models may take, or null for three quarters of what is available.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Threads that compute, or null for one for each core.</summary>
    public int? Threads { get; init; }

    /// <summary>Where measurements are kept.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Whether to measure although measurements are kept.</summary>
    public bool MeasuresAgain { get; init; }
}

/// <summary>Describes this machine as a node: what it has, less what a container takes away, and how fast it is.</summary>
/// <param name="clock">Measures the time.</param>
public sealed class MachineInventory(TimeProvider clock)
{
    /// <summary>Describes the machine; measures it, in about two seconds, unless that was done before.</summary>
    /// <returns>A report without addresses, links and models.</returns>
    /// <exception cref="InvalidOperationException">Too little memory is free to measure anything.</exception>
    public NodeReport Describe(InventoryOptions options) =>
        Describe(options, MachineDescription.Read(), (threads, available) => SpeedMeasurement.Measure(threads, available, clock));

    internal static NodeReport Describe(InventoryOptions options, MachineDescription machine, Func<int, long, MachineSpeed?> measure)
    {
        var threads = options.Threads ?? machine.DefaultThreads;
        var speed = SpeedOf(options, machine, threads, measure);
        var memory = Math.Min(options.MemoryBytes ?? machine.MemoryAvailableBytes / 4 * 3, machine.MemoryTotalBytes);
        return new NodeReport
        {
            Name = options.Name,
            Region = options.Region,
            Version = Version,
            Devices =
            [
                new DeviceReport(
                    $"{machine.Cpu.Name}, {threads} {(threads == 1 ? "thread" : "threads")}",
                    KernelPaths.Name(machine.Kernels),
                    threads,
                    speed.ReadBytesPerSecond,
                    speed.MultiplyAddsPerSecond),
            ],
            MemoryBytes = memory,
            FreeMemoryBytes = Math.Min(memory, machine.MemoryAvailableBytes),
        };
    }

    private static string Version => typeof(MachineInventory).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private static MachineSpeed SpeedOf(
        InventoryOptions options, MachineDescription machine, int threads, Func<int, long, MachineSpeed?> measure)
    {
        var cache = new SpeedCache(options.DataFolder);
        var fingerprint = Fingerprint(machine, threads);
        if (!options.MeasuresAgain && cache.Find(fingerprint) is { } kept)
            return kept;
        var measured = measure(threads, machine.MemoryAvailableBytes)
            ?? throw new InvalidOperationException("too little memory is free to measure how fast this machine is; end what else uses memory");
        cache.Keep(fingerprint, measured);
        return measured;
    }

    // Another processor, container limit, kernel or program may have another speed.
    private static string Fingerprint(MachineDescription machine, int threads) => string.Join(
        '|', Version, machine.Cpu.Name, machine.Cpu.Architecture, KernelPaths.Name(machine.Kernels), threads, machine.Cores, machine.Limits.Cpus,
        machine.MemoryTotalBytes, machine.OperatingSystem);
}
