using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Diagnostics;

/// <summary>Looks at the processor and memory of this machine.</summary>
static class MachineFindings
{
    private const long LittleMemory = 1L << 30;

    private const string HugePagesFile = "/sys/kernel/mm/transparent_hugepage/enabled";

    public static IEnumerable<Finding> Of(MachineDescription machine, TimeProvider time)
    {
        yield return new Finding("version", FindingState.Good, $"form {Version}, .NET {Environment.Version}, {machine.OperatingSystem}");
        yield return new Finding("processor", FindingState.Good, $"{machine.Cpu.Name} ({machine.Cpu.Architecture})");
        yield return new Finding("instruction sets", FindingState.Good, string.Join(", ", machine.Cpu.InstructionSets));
        yield return Amx(machine.Cpu.Amx, KernelPaths.Available[^1]);
        yield return Kernels(machine.Kernels);
        foreach (var formats in ComputedFormats.Select(LinearKernels.Of).GroupBy(kernel => kernel.Description, kernel => kernel.Format))
            yield return new Finding("weights", FindingState.Good, $"{string.Join(", ", formats)}: {formats.Key}");
        yield return Threads(machine);
        yield return Memory(machine);
        yield return Bandwidth(machine, time);
        yield return HugePages(File.Exists(HugePagesFile) ? File.ReadAllText(HugePagesFile) : null);
    }

    private static IEnumerable<TensorType> ComputedFormats => Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Find(type) is { IsComputed: true });

    private static string Version => typeof(MachineFindings).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    /// <param name="amx">What was found.</param>
    /// <param name="best">The best kernels that this machine could use.</param>
    internal static Finding Amx(AmxSupport amx, KernelPath best)
    {
        const string name = "matrix tiles (AMX)";
        return amx switch
        {
            AmxSupport.Usable when best < KernelPath.Amx => new Finding(
                name, FindingState.Advice, "usable, but the AVX-512 that goes with them is not",
                "Unset what switches it off, for instance DOTNET_EnableAVX512."),
            AmxSupport.Usable => new Finding(name, FindingState.Good, "usable"),
            AmxSupport.NotEnabled => new Finding(
                name, FindingState.Advice, "the processor has them and this system does not offer them",
                "Use a Linux kernel from 5.16 on, and let the virtual machine pass them through."),
            AmxSupport.Refused => new Finding(
                name, FindingState.Advice, "the system offers them and refused them to this process",
                "Let the sandbox allow arch_prctl(ARCH_REQ_XCOMP_PERM); prompts are computed with vectors until then."),
            AmxSupport.NoExecutableMemory => new Finding(
                name, FindingState.Advice, "granted, but this process may not make memory executable",
                "Allow it (systemd: MemoryDenyWriteExecute=no, SELinux: execmem); prompts are computed with vectors until then."),
            _ => new Finding(name, FindingState.Good, "none: the processor does not have them"),
        };
    }

    private static Finding Kernels(KernelPath path)
    {
        var best = KernelPaths.Available[^1];
        return path == best
            ? new Finding("kernels", FindingState.Good, KernelPaths.Name(path))
            : new Finding(
                "kernels", FindingState.Advice, KernelPaths.Name(path),
                $"{KernelPaths.EnvironmentVariable} holds the engine back; without it the kernels are {KernelPaths.Name(best)}.");
    }

    private static Finding Threads(MachineDescription machine)
    {
        var limit = machine.Limits.Cpus is { } cpus ? string.Create(CultureInfo.InvariantCulture, $", container limit {cpus:0.##}") : "";
        return new Finding("threads", FindingState.Good, $"{machine.DefaultThreads} of {machine.Processors} processors on {machine.Cores} cores{limit}");
    }

    private static Finding Memory(MachineDescription machine)
    {
        var limit = machine.Limits.MemoryBytes is { } bytes ? $", container limit {ByteSize.Format(bytes)}" : "";
        var value = $"{ByteSize.Format(machine.MemoryAvailableBytes)} available of {ByteSize.Format(machine.MemoryTotalBytes)}{limit}";
        return machine.MemoryAvailableBytes >= LittleMemory
            ? new Finding("memory", FindingState.Good, value)
            : new Finding("memory", FindingState.Advice, value, "Only small models fit; end what else uses memory.");
    }

    private static Finding Bandwidth(MachineDescription machine, TimeProvider time)
    {
        using var team = new WorkerTeam(machine.DefaultThreads);
        return MemoryBandwidth.Measure(team, machine.MemoryAvailableBytes, time) is { } speed
            ? new Finding(
                "memory bandwidth", FindingState.Good,
                string.Create(CultureInfo.InvariantCulture, $"{speed / 1e9:0.0} GB/s read with {machine.DefaultThreads} threads; a model of 1 GB can decode at most {speed / 1e9:0} tokens/s"))
            : new Finding("memory bandwidth", FindingState.Advice, "not measured", "Too little memory is free to measure it.");
    }

    /// <summary>Reads the setting as the kernel shows it: the one in force stands in brackets.</summary>
    internal static Finding HugePages(string? setting) => setting switch
    {
        null => new Finding("huge pages", FindingState.Advice, "unknown", "This kernel does not say whether it gives huge pages."),
        _ when setting.Contains("[never]", StringComparison.Ordinal) => new Finding(
            "huge pages", FindingState.Advice, "never", $"Write 'madvise' to {HugePagesFile}: large weights are then read faster."),
        _ => new Finding("huge pages", FindingState.Good, setting.Contains("[always]", StringComparison.Ordinal) ? "always" : "on request"),
    };
}
