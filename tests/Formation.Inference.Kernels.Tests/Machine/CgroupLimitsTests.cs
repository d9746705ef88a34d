using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Machine;

public sealed class CgroupLimitsTests : IDisposable
{
    private const string MountV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    private const string MountsV1 =
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw shared:5 - cgroup cgroup rw,memory\n";

    private readonly FakeSystem _system = new();

    [Fact]
    public void Version_2_takes_the_tightest_limit_on_the_way_up()
    {
        _system.With("proc/self/mountinfo", MountV2)
            .With("proc/self/cgroup", "0::/service/form\n")
            .With("sys/fs/cgroup/service/form/cpu.max", "max 100000\n")
            .With("sys/fs/cgroup/service/form/memory.max", "8589934592\n")
            .With("sys/fs/cgroup/service/cpu.max", "150000 100000\n")
            .With("sys/fs/cgroup/service/memory.max", "4294967296\n")
            .With("sys/fs/cgroup/service/memory.current", "3000000000\n")
            .With("sys/fs/cgroup/service/memory.stat", "anon 5\ninactive_file 1000000000\n");
        Assert.Equal(new CgroupLimits(1.5, 4294967296, 2000000000), CgroupLimits.Read(_system.Files));
    }

    [Fact]
    public void Version_1_is_read_through_a_mount_that_shows_a_part_of_the_tree()
    {
        _system.With("proc/self/mountinfo", MountsV1)
            .With("proc/self/cgroup", "9:name=systemd:/\n4:memory:/docker/abc/inner\n1:cpu,cpuacct:/\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
            .With("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
            .With("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "1073741824\n")
            .With("sys/fs/cgroup/memory/inner/memory.usage_in_bytes", "100\n")
            .With("sys/fs/cgroup/memory/inner/memory.stat", "total_inactive_file 400\n");
        Assert.Equal(new CgroupLimits(0.5, 1073741824, 0), CgroupLimits.Read(_system.Files));
    }

    [Fact]
    public void A_group_that_is_not_mounted_falls_back_to_the_top_of_the_mount()
    {
        _system.With("proc/self/mountinfo", MountV2)
            .With("proc/self/cgroup", "0::/../../elsewhere\n")
            .With("sys/fs/cgroup/cpu.max", "200000 100000\n");
        Assert.Equal(2.0, CgroupLimits.Read(_system.Files).Cpus);
    }

    [Fact]
    public void No_limit_and_no_control_groups_are_both_no_limit()
    {
        Assert.Equal(new CgroupLimits(null, null, null), CgroupLimits.Read(_system.Files));
        _system.With("proc/self/mountinfo", MountsV1)
            .With("proc/self/cgroup", "4:memory:/docker/abc\n1:cpu,cpuacct:/\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
            .With("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(new CgroupLimits(null, null, null), CgroupLimits.Read(_system.Files));
    }

    [Fact]
    public void Files_that_hold_something_else_are_no_limit()
    {
        _system.With("proc/self/mountinfo", "short line\n" + MountV2 + " - \n")
            .With("proc/self/cgroup", "nonsense\n0::/\n")
            .With("sys/fs/cgroup/cpu.max", "a lot\n")
            .With("sys/fs/cgroup/memory.max", "-5\n");
        Assert.Equal(new CgroupLimits(null, null, null), CgroupLimits.Read(_system.Files));
    }

    public void Dispose() => _system.Dispose();
}
