using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Tests.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Threading;

public sealed class ThreadPinningTests
{
    [Fact]
    public void Each_worker_gets_a_core_of_its_own()
    {
        using var system = FourCoresOfTwoProcessors();
        Assert.Equal([2, 4, 6], ThreadPinning.Plan(3, "1", system.Files)!);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("yes")]
    public void Nothing_is_pinned_unless_asked_for(string? setting)
    {
        using var system = FourCoresOfTwoProcessors();
        Assert.Null(ThreadPinning.Plan(3, setting, system.Files));
    }

    [Fact]
    public void Nothing_is_pinned_where_the_process_does_not_own_the_cores()
    {
        using var system = FourCoresOfTwoProcessors();
        Assert.Null(ThreadPinning.Plan(4, "1", system.Files));
        system.With("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .With("proc/self/cgroup", "0::/\n")
            .With("sys/fs/cgroup/cpu.max", "250000 100000\n");
        Assert.Null(ThreadPinning.Plan(2, "1", system.Files));
        using var silent = new FakeSystem();
        Assert.Null(ThreadPinning.Plan(1, "1", silent.Files));
    }

    [Fact]
    public void A_pinned_thread_may_run_on_its_processor_alone()
    {
        var processor = CpuTopology.FirstProcessorOfEachCore(SystemFiles.OfThisMachine)?[^1] ?? 0;
        string? allowed = null;
        var pinned = false;
        var thread = new Thread(() =>
        {
            pinned = ThreadPinning.TryPin(processor);
            var status = File.ReadLines("/proc/thread-self/status");
            allowed = status.Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal));
        });
        thread.Start();
        thread.Join();
        Assert.SkipUnless(pinned, "this system lets no process choose its processors");
        Assert.Equal($"Cpus_allowed_list:\t{processor}", allowed);
        Assert.False(ThreadPinning.TryPin(-1));
        Assert.False(ThreadPinning.TryPin(int.MaxValue));
    }

    /// <summary>Processors 2 to 7 are allowed: both of three cores.</summary>
    private static FakeSystem FourCoresOfTwoProcessors()
    {
        var system = new FakeSystem().With("proc/self/status", "Cpus_allowed_list:\t2-7\n");
        foreach (var cpu in Enumerable.Range(0, 8))
            system.With($"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", $"{cpu / 2 * 2}-{(cpu / 2 * 2) + 1}\n");
        return system;
    }
}
