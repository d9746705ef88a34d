using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Workers;
using Wire = Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Tests.Workers;

public sealed class WorkerMappingTests
{
    private static WorkerOrder Order { get; } = new()
    {
        Id = WorkerId.New(),
        Replica = "model/1",
        ModelId = "model",
        ModelDigest = new string('0', 64),
        ModelPath = "/models/model.gguf",
        Role = WorkerRole.Stage,
        Layers = new LayerSpan(3, 4),
        MemoryBytes = 1 << 20,
        KvBlocks = 64,
        KvBlockSize = 16,
        KvFormat = "f16",
        ContextLength = 512,
        Sequences = 4,
        PrefillTokens = 512,
        Precision = LinkPrecision.Q8,
        Callers = [TestRegistry.Pin("a")],
        Heads = [TestRegistry.Pin("b")],
        Chain = [new WorkerEndpoint(WorkerId.New(), "node", new LayerSpan(7, 1), TestRegistry.Pin("c"), ["10.0.0.1:7000"])],
    };

    private static WorkerReport Report { get; } = new(WorkerId.New(), WorkerState.Ready)
    {
        Progress = 0.5,
        FetchedBytes = 12,
        Reason = "well",
        Pin = TestRegistry.Pin("a"),
        Addresses = ["10.0.0.1:7000", "[::1]:7000"],
        Chain = [WorkerId.New()],
        Lost = [new LostWorker(WorkerId.New(), "silent")],
        Figures = new HeadFigures(1, 2, 3, 4, 5) { RequestsBegun = 11 },
        Work = new StageFigures(6, 7, 8),
        Decode = new DecodeWork(12, 13, 14, 1.5),
        Links = [new WorkerLink(WorkerId.New(), TimeSpan.FromMicroseconds(52), 9, 10)],
    };

    public static TheoryData<string, Action<Wire.WorkerOrder>> BadOrders => new()
    {
        { "id", wire => wire.Id = "../../etc" },
        { "digest", wire => wire.ModelDigest = "00" },
        { "replica", wire => wire.Replica = "" },
        { "path", wire => wire.ModelPath = "a\nb" },
        { "role", wire => wire.Role = Wire.WorkerRole.Unspecified },
        { "layers", wire => wire.LayerCount = 0 },
        { "layers", wire => wire.FirstLayer = int.MaxValue },
        { "layers", wire => (wire.Role, wire.LayerCount) = (Wire.WorkerRole.Standby, 1) },
        { "rank 1", wire => wire.Rank = 1 },
        { "rank 2 of 2", wire => (wire.Role, wire.Rank, wire.Members) = (Wire.WorkerRole.Member, 2, 2) },
        { "rank 0 of 2", wire => (wire.Role, wire.Rank, wire.Members) = (Wire.WorkerRole.Member, 0, 2) },
        { "of 9 members", wire => wire.Members = 9 },
        { "chain", wire => wire.Chain[0].Rank = 8 },
        { "memory", wire => wire.MemoryBytes = -1 },
        { "KV blocks", wire => wire.KvBlocks = int.MaxValue },
        { "context", wire => wire.ContextLength = 64 * 16 + 1 },
        { "sequences", wire => wire.Sequences = 0 },
        { "prompts", wire => wire.PrefillTokens = int.MaxValue },
        { "precision", wire => wire.Precision = (Wire.LinkPrecision)9 },
        { "malformed", wire => wire.Callers.Add("zz") },
        { "malformed", wire => wire.Chain[0].Pin = "" },
        { "malformed", wire => wire.Chain[0].Addresses.Add("nowhere") },
        { "others", wire => wire.Heads.Add(Enumerable.Repeat(TestRegistry.Pin("a").Text, 600)) },
    };

    public static TheoryData<string, Action<Wire.WorkerReport>> BadReports => new()
    {
        { "id", wire => wire.Id = "1" },
        { "state", wire => wire.State = Wire.WorkerState.Unspecified },
        { "state", wire => wire.State = (Wire.WorkerState)99 },
        { "key", wire => wire.Pin = "1" },
        { "addresses", wire => wire.Addresses.Add("nowhere") },
        { "addresses", wire => wire.Addresses.Add(Enumerable.Repeat("a:1", 20)) },
        { "stages", wire => wire.Chain.Add("x") },
        { "figures", wire => wire.Progress = double.NaN },
        { "figures", wire => wire.TokensPerSecond = double.PositiveInfinity },
        { "figures", wire => wire.FetchedBytes = -1 },
        { "figures", wire => wire.RowsComputed = -1 },
        { "figures", wire => wire.RequestsBegun = -1 },
        { "figures", wire => wire.DecodePositions = -1 },
        { "figures", wire => wire.DecodeSeconds = double.NaN },
        { "figures", wire => wire.Links[0].RoundTripMicroseconds = long.MaxValue },
        { "stages", wire => wire.Links[0].Id = "x" },
    };

    [Fact]
    public void An_order_is_read_as_it_was_written()
    {
        Assert.True(WorkerOrderMapping.TryRead(WorkerOrderMapping.ToWire(Order), out var read, out _));
        Assert.Equivalent(Order, read, strict: true);
    }

    [Theory, MemberData(nameof(BadOrders))]
    public void An_order_that_breaks_a_limit_is_refused_with_what_is_wrong(string named, Action<Wire.WorkerOrder> change)
    {
        var wire = WorkerOrderMapping.ToWire(Order);
        change(wire);

        Assert.False(WorkerOrderMapping.TryRead(wire, out _, out var fault));
        Assert.Contains(named, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_is_read_as_it_was_written()
    {
        Assert.True(WorkerReportMapping.TryRead(WorkerReportMapping.ToWire([Report]), out var read, out _));
        Assert.Equivalent(Report, read[Report.Id], strict: true);
    }

    [Theory, MemberData(nameof(BadReports))]
    public void A_report_that_breaks_a_limit_is_refused_with_what_is_wrong(string named, Action<Wire.WorkerReport> change)
    {
        var wire = WorkerReportMapping.ToWire([Report]);
        change(wire.Workers[0]);

        Assert.False(WorkerReportMapping.TryRead(wire, out _, out var fault));
        Assert.Contains(named, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void More_workers_than_a_node_may_have_are_refused()
    {
        var wire = WorkerReportMapping.ToWire(Enumerable.Range(0, 65).Select(_ => Report with { Id = WorkerId.New() }));

        Assert.False(WorkerReportMapping.TryRead(wire, out _, out var fault));
        Assert.Contains("64", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_of_a_node_reach_the_log_without_control_characters()
    {
        var wire = WorkerReportMapping.ToWire([Report]);
        wire.Workers[0].Reason = "a\u001b[31mb";

        Assert.True(WorkerReportMapping.TryRead(wire, out var read, out _));
        Assert.Equal("a[31mb", read[Report.Id].Reason);
    }
}
