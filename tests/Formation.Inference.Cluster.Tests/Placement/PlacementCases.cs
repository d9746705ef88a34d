using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Tests.Placement;

/// <summary>Models, nodes and requests that tests place.</summary>
static class PlacementCases
{
    public const long MiB = 1L << 20;

    /// <summary>A model of equal layers: 64 MiB of weights each, 64 M multiply-adds, 4 KiB of keys and values for a position.</summary>
    public static ModelShape Model(int layers = 8, long layerBytes = 64 * MiB, long kvBytes = 4096) => new()
    {
        ModelId = "model",
        ParameterCount = 1_000_000_000,
        Layers = [.. Enumerable.Repeat(new LayerShape(layerBytes, kvBytes, 64_000_000, 8192), layers)],
        EmbeddingBytes = 32 * MiB,
        OutputBytes = 32 * MiB,
        OutputReadBytes = 32 * MiB,
        OutputMultiplyAdds = 32_000_000,
        HiddenSize = 2048,
        VocabularySize = 32_000,
        ScratchBytesPerRow = 64 * 1024,
        HeadScratchBytesPerRow = 16 * 1024,
        HeadScratchBytes = 8 * MiB,
        KvHeadCount = 8,
        GroupSizes = [2, 4, 8],
        ContextLength = 8192,
    };

    public static PlacementRequest Request { get; } = new() { ContextLength = 1024, LeastGain = 0 };

    /// <summary>A node with one device.</summary>
    /// <param name="gigabytes">That its device reads in a second; it multiplies 10 times as many.</param>
    /// <param name="links">Round trips in milliseconds and megabytes a second, by peer.</param>
    public static NodeOffer Node(
        string name, long free = 4096 * MiB, double gigabytes = 20, string region = "", params (string Peer, double Milliseconds, double Megabytes)[] links) =>
        new(new NodeReport
        {
            Name = name,
            Region = region,
            Version = "1",
            Devices = [new DeviceReport("cpu", "avx512", 2, gigabytes * 1e9, gigabytes * 1e10)],
            MemoryBytes = Math.Max(free, 1),
            FreeMemoryBytes = free,
            Links = [.. links.Select(link => new LinkReport(link.Peer, TimeSpan.FromMilliseconds(link.Milliseconds), link.Megabytes * 1e6, false))],
        });

    public static NodeOffer With(this NodeOffer offer, Func<NodeReport, NodeReport> change) => offer with { Report = change(offer.Report) };

    public static NodeOffer WithDevice(this NodeOffer offer, Func<DeviceReport, DeviceReport> change) =>
        offer.With(report => report with { Devices = [.. report.Devices.Select(change)] });

    public static PlacementResult Place(ModelShape model, PlacementRequest request, params IReadOnlyList<NodeOffer> nodes) =>
        new FastestPlacement().Place(model, request, nodes);

    /// <summary>The plan, which the case has.</summary>
    public static PlacementPlan Plan(ModelShape model, PlacementRequest request, params IReadOnlyList<NodeOffer> nodes)
    {
        var result = Place(model, request, nodes);
        Assert.True(result.Plan is not null, string.Join("; ", result.Reasons));
        return result.Plan;
    }

    public static IReadOnlyList<string> NodesOf(PlacementPlan plan) =>
        [.. plan.Replicas.SelectMany(replica => replica.Stages).SelectMany(stage => stage.Nodes)];

    /// <summary>Small clusters that differ in everything, the same for the same seed.</summary>
    public static (ModelShape Model, PlacementRequest Request, IReadOnlyList<NodeOffer> Nodes) Random(int seed, int mostNodes = 4, int mostLayers = 7)
    {
        var random = new Random(seed);
        var layers = Enumerable.Range(0, random.Next(1, mostLayers + 1))
            .Select(_ => new LayerShape(random.Next(8, 200) * MiB, random.Next(1, 9) * 512, random.Next(8, 200) * 1_000_000L, random.Next(0, 5) * 4096));
        var model = Model() with { Layers = [.. layers], HiddenSize = random.Next(1, 5) * 1024 };
        var count = random.Next(1, mostNodes + 1);
        var names = Enumerable.Range(0, count).Select(i => $"n{i}").ToArray();
        var nodes = names.Select(name => Node(
            name,
            random.Next(100, 1200) * MiB,
            random.Next(2, 60),
            random.Next(2) == 0 ? "eu" : "us",
            [.. names.Where(peer => peer != name && random.Next(3) > 0)
                .Select(peer => (peer, random.Next(1, 400) / 20.0, random.Next(5, 2000) / 1.0))]));
        var request = Request with
        {
            ContextLength = random.Next(1, 40) * 100,
            Concurrency = random.Next(1, 10),
            PromptLength = random.Next(1, 1000),
            Replicas = 1,
            Goal = random.Next(4) == 0 ? PlacementGoal.OneStream : PlacementGoal.AllStreams,
            LinkPrecision = (LinkPrecision)random.Next(3),
        };
        return (model, request, [.. nodes]);
    }
}
