using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Tests.Fakes;
using Google.Protobuf;

namespace Formation.Inference.Cluster.Tests.Nodes.Control;

public sealed class ReportMappingTests
{
    private static Report Valid => ReportMapping.ToWire(TestRegistry.Report("a", "10.0.0.1:8082", "[fe80::1]:8082", "gpu-1.example:1") with
    {
        Links = [new LinkReport("b", TimeSpan.FromMicroseconds(1500), 1.25e8, IsRelayed: true)],
    });

    public static TheoryData<string, Action<Report>> Hostile => new()
    {
        { "no name", report => report.Name = "" },
        { "upper case", report => report.Name = "Node" },
        { "a path", report => report.Name = "../etc/passwd" },
        { "a dash in front", report => report.Name = "-a" },
        { "a dash at the end", report => report.Name = "a-" },
        { "a line break", report => report.Name = "a\nb" },
        { "another script", report => report.Name = "nоde" },
        { "a name too long", report => report.Name = new string('a', 64) },
        { "a huge name", report => report.Name = new string('a', 100_000) },
        { "an escape in the region", report => report.Region = "\u001b[2J" },
        { "a region too long", report => report.Region = new string('r', 65) },
        { "a version too long", report => report.Version = new string('1', 65) },
        { "no device", report => report.Devices.Clear() },
        { "too many devices", report => report.Devices.Add(Enumerable.Repeat(report.Devices[0], 32)) },
        { "a device's name too long", report => report.Devices[0].Name = new string('d', 257) },
        { "no threads", report => report.Devices[0].Threads = 0 },
        { "negative threads", report => report.Devices[0].Threads = -1 },
        { "threads beyond belief", report => report.Devices[0].Threads = int.MaxValue },
        { "speed that is no number", report => report.Devices[0].ReadBytesPerSecond = double.NaN },
        { "endless speed", report => report.Devices[0].MultiplyAddsPerSecond = double.PositiveInfinity },
        { "negative speed", report => report.Devices[0].MultiplyAddsPerSecond = -1 },
        { "negative memory", report => report.MemoryBytes = -1 },
        { "memory beyond belief", report => report.MemoryBytes = long.MaxValue },
        { "more free than there is", report => report.FreeMemoryBytes = report.MemoryBytes + 1 },
        { "less than nothing free", report => report.FreeMemoryBytes = long.MinValue },
        { "too many addresses", report => report.Addresses.Add(Enumerable.Repeat("10.0.0.1:1", 17)) },
        { "an address without a port", report => report.Addresses.Add("10.0.0.1") },
        { "port 0", report => report.Addresses.Add("10.0.0.1:0") },
        { "a port too high", report => report.Addresses.Add("10.0.0.1:65536") },
        { "a negative port", report => report.Addresses.Add("10.0.0.1:-1") },
        { "a URL", report => report.Addresses.Add("http://10.0.0.1:80") },
        { "credentials", report => report.Addresses.Add("user@host:80") },
        { "an address with a space", report => report.Addresses.Add("a b:80") },
        { "a host too long", report => report.Addresses.Add(new string('h', 254) + ":80") },
        { "IPv6 that is none", report => report.Addresses.Add("[zz]:80") },
        { "too many links", report => report.Links.Add(Enumerable.Repeat(report.Links[0], 1024)) },
        { "a link to no node", report => report.Links[0].Peer = "B" },
        { "a negative round trip", report => report.Links[0].RoundTripMicroseconds = -1 },
        { "a round trip that overflows", report => report.Links[0].RoundTripMicroseconds = long.MaxValue },
        { "a link's speed that is no number", report => report.Links[0].BytesPerSecond = double.NaN },
    };

    [Fact]
    public void A_report_survives_the_wire()
    {
        Assert.True(ReportMapping.TryRead(Report.Parser.ParseFrom(Valid.ToByteArray()), out var report, out _));
        Assert.Equal(Valid, ReportMapping.ToWire(report));
        Assert.Equal(TimeSpan.FromMilliseconds(1.5), report.Links[0].RoundTrip);
        Assert.Equal("avx2", report.Devices[0].InstructionSet);
    }

    [Theory, MemberData(nameof(Hostile))]
    public void A_hostile_report_is_refused_with_a_short_reason(string what, Action<Report> spoil)
    {
        var report = Valid;
        spoil(report);
        Assert.False(ReportMapping.TryRead(report, out _, out var fault), what);
        Assert.InRange(fault.Length, 1, 200);
        Assert.DoesNotContain(fault, char.IsControl);
    }

    [Fact]
    public void A_report_that_was_left_out_is_refused()
    {
        Assert.False(ReportMapping.TryRead(null, out _, out var fault));
        Assert.Equal("the report is missing", fault);
    }

    [Fact]
    public void A_report_with_every_list_at_its_limit_fits_into_a_message()
    {
        var report = Valid;
        report.Name = new string('n', 63);
        report.Devices[0].Name = new string('é', ControlLimits.Text);
        report.Devices.Add(Enumerable.Repeat(report.Devices[0], ControlLimits.Devices - 1));
        report.Addresses.Add(Enumerable.Repeat(new string('h', 253) + ":65535", ControlLimits.Addresses - report.Addresses.Count));
        report.Links[0].Peer = new string('p', 63);
        report.Links.Add(Enumerable.Repeat(report.Links[0], ControlLimits.Links - 1));
        Assert.True(ReportMapping.TryRead(report, out _, out _));
        Assert.InRange(report.CalculateSize(), 1, ControlLimits.GatewayMessageBytes);
    }

    [Fact]
    public void Any_bytes_are_a_report_or_refused_and_nothing_else()
    {
        var random = new Random(20261123);
        var good = Valid.ToByteArray();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (byte[])good.Clone();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                ReportMapping.TryRead(Report.Parser.ParseFrom(bytes, 0, random.Next(bytes.Length + 1)), out _, out _);
            }
            catch (InvalidProtocolBufferException)
            {
            }
        }
    }
}
