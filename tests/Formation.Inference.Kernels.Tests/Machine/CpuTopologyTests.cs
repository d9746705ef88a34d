using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Machine;

public sealed class CpuTopologyTests
{
    [Fact]
    public void Two_threads_of_a_core_count_once_and_only_allowed_processors_count()
    {
        using var system = new FakeSystem().With("proc/self/status", "Name:\tform\nCpus_allowed_list:\t0-1,4-5\n");
        foreach (var cpu in Enumerable.Range(0, 8))
            system.With($"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", $"{cpu % 4},{cpu % 4 + 4}\n");
        Assert.Equal(2, CpuTopology.Cores(system.Files));
    }

    [Fact]
    public void A_system_that_does_not_say_gives_no_count()
    {
        using var system = new FakeSystem();
        Assert.Null(CpuTopology.Cores(system.Files));
        system.With("proc/self/status", "Cpus_allowed_list:\t0-1\n");
        Assert.Null(CpuTopology.Cores(system.Files));
    }

    [Theory]
    [InlineData("0", new[] { 0 })]
    [InlineData(" 0-2,7\n", new[] { 0, 1, 2, 7 })]
    [InlineData("", null)]
    [InlineData("3-1", null)]
    [InlineData("0-1-2", null)]
    [InlineData("-4", null)]
    [InlineData("0-4000000000", null)]
    public void Lists_of_processors_are_parsed_or_refused(string text, int[]? expected) =>
        Assert.Equal(expected, CpuTopology.ParseList(text)?.ToArray());
}
