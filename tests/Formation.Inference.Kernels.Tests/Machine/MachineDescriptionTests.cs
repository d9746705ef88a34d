using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Machine;

public sealed class MachineDescriptionTests
{
    [Fact]
    public void Memory_is_what_the_container_leaves_of_the_machine()
    {
        using var system = new FakeSystem()
            .With("proc/meminfo", "MemTotal:       16000 kB\nMemAvailable:    9000 kB\n")
            .With("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .With("proc/self/cgroup", "0::/\n")
            .With("sys/fs/cgroup/memory.max", "8192000\n")
            .With("sys/fs/cgroup/memory.current", "2048000\n");
        var machine = MachineDescription.Read(system.Files, processors: 4);
        Assert.Equal(8192000, machine.MemoryTotalBytes);
        Assert.Equal(6144000, machine.MemoryAvailableBytes);
        Assert.Equal(4, machine.Processors);
        Assert.Equal(4, machine.DefaultThreads);
    }

    [Fact]
    public void The_default_is_one_thread_for_each_core()
    {
        using var system = new FakeSystem().With("proc/self/status", "Cpus_allowed_list:\t0-3\n");
        foreach (var cpu in Enumerable.Range(0, 4))
            system.With($"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", $"{cpu / 2 * 2}-{cpu / 2 * 2 + 1}\n");
        Assert.Equal(2, MachineDescription.Read(system.Files, processors: 4).DefaultThreads);
        Assert.Equal(1, MachineDescription.Read(system.Files, processors: 1).DefaultThreads);
    }

    [Theory]
    [InlineData("max 100000", 4)]
    [InlineData("800000 100000", 4)]
    [InlineData("200000 100000", 2)]
    [InlineData("250000 100000", 3)]
    [InlineData("20000 100000", 1)]
    public void The_default_is_no_more_than_the_processor_time_of_the_container(string quota, int threads)
    {
        using var system = new FakeSystem()
            .With("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .With("proc/self/cgroup", "0::/\n")
            .With("sys/fs/cgroup/cpu.max", quota + "\n");
        Assert.Equal(threads, MachineDescription.Read(system.Files, processors: 4).DefaultThreads);
    }

    [Fact]
    public void This_machine_can_be_described()
    {
        var machine = MachineDescription.Read();
        Assert.InRange(machine.DefaultThreads, 1, Environment.ProcessorCount);
        Assert.InRange(machine.MemoryAvailableBytes, 1, machine.MemoryTotalBytes);
        Assert.Equal(KernelPaths.Current, machine.Kernels);
        Assert.NotEmpty(machine.Cpu.Name);
        Assert.NotEmpty(machine.Cpu.InstructionSets);
    }

    [Fact]
    public void Bandwidth_is_measured_when_there_is_memory_for_it()
    {
        using var team = new WorkerTeam(2);
        Assert.Null(MemoryBandwidth.Measure(team, availableBytes: 1 << 20, TimeProvider.System));
        Assert.True(MemoryBandwidth.Measure(team, availableBytes: 1L << 30, TimeProvider.System) > 0);
    }
}
