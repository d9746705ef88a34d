using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using static Formation.Inference.Cluster.Tests.Placement.PlacementCases;

namespace Formation.Inference.Cluster.Tests.Placement;

/// <summary>What a node says of itself is a claim: what can't be true leaves the node out, and the plan as it was.</summary>
public sealed class HostileReportTests
{
    public static TheoryData<string, string> Lies => new()
    {
        { "memory -1", "-1 bytes of memory" },
        { "memory 0", "0 bytes of memory" },
        { "memory huge", "9223372036854775807 bytes of memory" },
        { "free more", "free bytes of" },
        { "free negative", "-1 free bytes" },
        { "no devices", "0 devices" },
        { "null devices", "0 devices" },
        { "many devices", "100000 devices" },
        { "null device", "a device without content" },
        { "reads NaN", "reads NaN bytes" },
        { "reads 0", "reads 0 bytes" },
        { "reads infinity", "reads Infinity bytes" },
        { "multiplies -1", "device of -1 multiply-adds" },
        { "multiplies huge", "device of 1E+300 multiply-adds" },
        { "name upper", "its name is not" },
        { "name long", "its name is not" },
    };

    [Theory, MemberData(nameof(Lies))]
    public void A_report_that_can_not_be_true_leaves_its_node_out(string lie, string reason)
    {
        var honest = Node("honest", gigabytes: 10);

        var result = Place(Model(), Request, honest, Lying(lie));

        Assert.Equal(["honest"], NodesOf(result.Plan!));
        var left = Assert.Single(result.LeftOut);
        Assert.Contains(reason, left.Reason);
        Assert.True(left.Node.Length is > 0 and <= 63);
    }

    [Fact]
    public void Two_nodes_of_one_name_are_both_left_out()
    {
        var result = Place(Model(), Request, Node("twin"), Node("other", gigabytes: 1), Node("twin", gigabytes: 1000));

        Assert.Equal(["other"], NodesOf(result.Plan!));
        Assert.Equal(new NodeLeftOut("twin", "2 nodes claim this name, so none of them is believed"), Assert.Single(result.LeftOut));
    }

    [Fact]
    public void Claims_about_links_that_can_not_be_true_count_as_none()
    {
        LinkReport[] lies =
        [
            new("b", TimeSpan.FromTicks(-1), 1e9, false), new("b", TimeSpan.MaxValue, 1e9, false), new("b", TimeSpan.Zero, double.NaN, false),
            new("b", TimeSpan.Zero, double.PositiveInfinity, false), new("b", TimeSpan.Zero, 0, false), null!, new(null!, TimeSpan.Zero, 1e9, false),
        ];
        var liar = Node("a").With(report => report with { Links = lies });

        var plan = Plan(Model(), Request with { Stages = 2 }, liar, Node("b"));

        Assert.Equal(Plan(Model(), Request with { Stages = 2 }, Node("a"), Node("b")).Speed, plan.Speed);
        Assert.All(plan.Replicas[0].Links, link => Assert.False(link.IsMeasured));
    }

    [Fact]
    public void Names_from_outside_are_shown_without_control_characters()
    {
        var result = Place(Model(), Request, Node("a"), Node("x\u001b[31m\n"), Node(""));

        Assert.Equal(["(no name)", "x?[31m?"], result.LeftOut.Select(node => node.Node));
    }

    private static NodeOffer Lying(string lie) => lie switch
    {
        "memory -1" => Node("liar").With(report => report with { MemoryBytes = -1, FreeMemoryBytes = -1 }),
        "memory 0" => Node("liar").With(report => report with { MemoryBytes = 0, FreeMemoryBytes = 0 }),
        "memory huge" => Node("liar").With(report => report with { MemoryBytes = long.MaxValue, FreeMemoryBytes = long.MaxValue }),
        "free more" => Node("liar").With(report => report with { FreeMemoryBytes = report.MemoryBytes + 1 }),
        "free negative" => Node("liar").With(report => report with { FreeMemoryBytes = -1 }),
        "no devices" => Node("liar").With(report => report with { Devices = [] }),
        "null devices" => Node("liar").With(report => report with { Devices = null! }),
        "many devices" => Node("liar").With(report => report with { Devices = [.. Enumerable.Repeat(report.Devices[0], 100_000)] }),
        "null device" => Node("liar").With(report => report with { Devices = [null!] }),
        "reads NaN" => Node("liar").WithDevice(device => device with { ReadBytesPerSecond = double.NaN }),
        "reads 0" => Node("liar").WithDevice(device => device with { ReadBytesPerSecond = 0 }),
        "reads infinity" => Node("liar").WithDevice(device => device with { ReadBytesPerSecond = double.PositiveInfinity }),
        "multiplies -1" => Node("liar").WithDevice(device => device with { MultiplyAddsPerSecond = -1 }),
        "multiplies huge" => Node("liar").WithDevice(device => device with { MultiplyAddsPerSecond = 1e300 }),
        "name upper" => Node("LIAR"),
        "name long" => Node(new string('a', 10_000)),
        _ => throw new ArgumentOutOfRangeException(nameof(lie), lie, "no such lie"),
    };
}
