using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Planning;

/// <summary>Reads described nodes from a file (docs/operations/plan.md): a JSON array of <see cref="NodeReport"/> with what the gateway would add.</summary>
static class NodeFile
{
    private const long MostBytes = 16 << 20;

    /// <exception cref="CommandException">There is no such file, or it describes no nodes; the message says where.</exception>
    public static IReadOnlyList<NodeOffer> Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
                throw new CommandException(ExitCode.NotFound, $"--nodes: there is no file {path}");
            if (file.Length > MostBytes)
                throw new CommandException(ExitCode.Failed, $"--nodes: {path} has {ByteSize.Format(file.Length)}; more than {ByteSize.Format(MostBytes)} is no list of nodes");
            var nodes = JsonSerializer.Deserialize(File.ReadAllText(path), NodeFileJson.Default.IReadOnlyListDescribedNode) ?? [];
            return [.. nodes.Select((node, i) => node?.ToOffer()
                ?? throw new CommandException(ExitCode.Failed, $"--nodes: entry {i} of {path} is null"))];
        }
        catch (JsonException error)
        {
            throw new CommandException(
                ExitCode.Failed, $"--nodes: {path} is no list of nodes, line {error.LineNumber + 1}, {error.Path}: see docs/operations/plan.md");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Failed, $"--nodes: {path} can't be read: {error.Message}");
        }
    }

    /// <summary>Nodes as such a file holds them.</summary>
    public static IReadOnlyList<DescribedNode> Describe(IEnumerable<NodeOffer> offers) => [.. offers.Select(DescribedNode.Of)];
}

/// <summary>A node as a person describes it. Names are those of <see cref="NodeReport"/>; what is left out has the value that harms least.</summary>
sealed record DescribedNode
{
    public required string Name { get; init; }

    public string Region { get; init; } = "";

    public string Version { get; init; } = "";

    public required long MemoryBytes { get; init; }

    /// <summary>Where left out, all of it.</summary>
    public long? FreeMemoryBytes { get; init; }

    public required IReadOnlyList<DescribedDevice> Devices { get; init; }

    public IReadOnlyList<DescribedLink> Links { get; init; } = [];

    public bool Trusted { get; init; }

    public bool Draining { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public static DescribedNode Of(NodeOffer offer) => new()
    {
        Name = offer.Report.Name,
        Region = offer.Report.Region,
        Version = offer.Report.Version,
        MemoryBytes = offer.Report.MemoryBytes,
        FreeMemoryBytes = offer.Report.FreeMemoryBytes,
        Devices = [.. offer.Report.Devices.Select(device => new DescribedDevice(
            device.Name, device.InstructionSet, device.Threads, device.ReadBytesPerSecond, device.MultiplyAddsPerSecond))],
        Links = [.. offer.Report.Links.Select(link => new DescribedLink(
            link.Peer, link.RoundTrip.TotalMilliseconds, link.BytesPerSecond, link.IsRelayed))],
        Trusted = offer.IsTrusted,
        Draining = offer.IsDraining,
        Labels = offer.Labels,
    };

    public NodeOffer ToOffer() => new(new NodeReport
    {
        Name = Name,
        Region = Region ?? "",
        Version = Version ?? "",
        MemoryBytes = MemoryBytes,
        FreeMemoryBytes = FreeMemoryBytes ?? MemoryBytes,
        Devices = [.. (Devices ?? []).Where(device => device is not null).Select(device => device.ToReport())],
        Links = [.. (Links ?? []).Where(link => link is not null).Select(link => link.ToReport())],
    })
    {
        IsTrusted = Trusted,
        IsDraining = Draining,
        Labels = Labels ?? [],
    };
}

/// <summary>A device as a person describes it.</summary>
sealed record DescribedDevice(string? Name, string? InstructionSet, int Threads, double ReadBytesPerSecond, double MultiplyAddsPerSecond)
{
    public DeviceReport ToReport() => new(Name ?? "", InstructionSet ?? "", Threads, ReadBytesPerSecond, MultiplyAddsPerSecond);
}

/// <summary>A way to another node as a person describes it.</summary>
sealed record DescribedLink(string Peer, double RoundTripMilliseconds, double BytesPerSecond, bool Relayed)
{
    // What no TimeSpan holds is no round trip either; placement ignores negative ones.
    public LinkReport ToReport() => new(
        Peer ?? "",
        RoundTripMilliseconds is >= 0 and <= 3.6e6 ? TimeSpan.FromMilliseconds(RoundTripMilliseconds) : TimeSpan.FromTicks(-1),
        BytesPerSecond,
        Relayed);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(IReadOnlyList<DescribedNode>))]
sealed partial class NodeFileJson : JsonSerializerContext;
