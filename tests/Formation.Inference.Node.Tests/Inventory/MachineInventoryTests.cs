using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Node.Inventory;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Inventory;

public sealed class MachineInventoryTests : IDisposable
{
    private static readonly MachineSpeed Speed = new(30e9, 200e9);

    private readonly TemporaryDirectory _folder = new();
    private int _measured;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_machine_is_described_with_its_device_and_three_quarters_of_what_is_available()
    {
        var report = Describe(new InventoryOptions { Name = "a", Region = "eu", DataFolder = _folder.Path }, Machine());

        Assert.Equal(("a", "eu"), (report.Name, report.Region));
        Assert.Equal((6L << 30, 6L << 30), (report.MemoryBytes, report.FreeMemoryBytes));
        var device = Assert.Single(report.Devices);
        Assert.Equal((4, 30e9, 200e9), (device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond));
        Assert.Equal("Processor, 4 threads", device.Name);
        Assert.Equal(KernelPaths.Name(KernelPath.Scalar), device.InstructionSet);
    }

    [Fact]
    public void What_the_operator_gives_counts_but_never_more_than_there_is()
    {
        var options = new InventoryOptions { Name = "a", DataFolder = _folder.Path, MemoryBytes = 500 << 20, Threads = 1 };

        var report = Describe(options, Machine());

        Assert.Equal((500L << 20, 500L << 20, 1), (report.MemoryBytes, report.FreeMemoryBytes, report.Devices[0].Threads));
        Assert.Equal(16L << 30, Describe(options with { MemoryBytes = 1L << 40 }, Machine()).MemoryBytes);
        Assert.Equal(8L << 30, Describe(options with { MemoryBytes = 1L << 40 }, Machine()).FreeMemoryBytes);
    }

    [Fact]
    public void A_machine_is_measured_once_and_again_where_it_is_another()
    {
        var options = new InventoryOptions { Name = "a", DataFolder = _folder.File("new/folder") };

        Describe(options, Machine());
        Describe(options, Machine() with { MemoryAvailableBytes = 1 << 30 });
        Assert.Equal(1, _measured);

        Describe(options, Machine() with { Cores = 8 });
        Describe(options with { Threads = 2 }, Machine());
        Describe(options with { Threads = 2 }, Machine() with { Limits = new CgroupLimits(1.5, null, null) });
        Assert.Equal(4, _measured);

        Describe(options with { MeasuresAgain = true }, Machine());
        Assert.Equal(5, _measured);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"fingerprint\":null,\"speed\":null}")]
    [InlineData("[1]")]
    public void A_damaged_file_costs_a_measurement_and_nothing_else(string content)
    {
        File.WriteAllText(_folder.File(SpeedCache.FileName), content);

        var report = Describe(new InventoryOptions { Name = "a", DataFolder = _folder.Path }, Machine());

        Assert.Equal(30e9, report.Devices[0].ReadBytesPerSecond);
        Assert.Equal(1, _measured);
    }

    [Fact]
    public void A_machine_with_too_little_memory_to_measure_says_so() =>
        Assert.Throws<InvalidOperationException>(() => MachineInventory.Describe(
            new InventoryOptions { Name = "a", DataFolder = _folder.Path }, Machine(), (_, _) => null));

    [Fact]
    public void The_real_machine_can_be_measured()
    {
        var speed = SpeedMeasurement.Measure(1, MachineDescription.Read().MemoryAvailableBytes, TimeProvider.System);

        Assert.NotNull(speed);
        Assert.InRange(speed.ReadBytesPerSecond, 1e7, 1e13);
        Assert.InRange(speed.MultiplyAddsPerSecond, 1e6, 1e15);
        Assert.Null(SpeedMeasurement.Measure(1, 1 << 20, TimeProvider.System));
    }

    private Cluster.Nodes.NodeReport Describe(InventoryOptions options, MachineDescription machine) =>
        MachineInventory.Describe(options, machine, (_, _) =>
        {
            _measured++;
            return Speed;
        });

    private static MachineDescription Machine() => new(
        "Linux", new CpuFeatures("Processor", "x64", [], AmxSupport.None), KernelPath.Scalar, 8, 4, new CgroupLimits(null, null, null), 16L << 30, 8L << 30);
}
