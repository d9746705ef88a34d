namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>What a stage may stand on: a node, or a group of nodes that shares each layer.</summary>
internal sealed class Place
{
    private Place(
        IReadOnlyList<NodeOffer> nodes, LayerSpan? pin, double exchangeSeconds, double exchangeBytesPerSecond, long mostBytes = long.MaxValue,
        bool mayLead = true)
    {
        MayLead = mayLead;
        Nodes = nodes;
        Pin = pin;
        FreeBytes = Math.Min(mostBytes, nodes.Min(node => node.Report.FreeMemoryBytes));
        ReadBytesPerSecond = nodes.Count * nodes.Min(node => OfferRules.DeviceOf(node.Report).ReadBytesPerSecond);
        MultiplyAddsPerSecond = nodes.Count * nodes.Min(node => OfferRules.DeviceOf(node.Report).MultiplyAddsPerSecond);
        ExchangeSeconds = exchangeSeconds;
        ExchangeBytesPerSecond = exchangeBytesPerSecond;
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<NodeOffer> Nodes { get; }

    /// <summary>The layers that it must have, and no others, or null.</summary>
    public LayerSpan? Pin { get; }

    /// <summary>Whether it may have the first layers.</summary>
    public bool MayLead { get; }

    /// <summary>Whether it may have other layers than the first: a group is led by the head.</summary>
    public bool MayFollow => Nodes.Count == 1;

    /// <summary>Bytes on each of its nodes.</summary>
    public long FreeBytes { get; }

    /// <summary>Of all its nodes together, none waiting for the others.</summary>
    public double ReadBytesPerSecond { get; }

    public double MultiplyAddsPerSecond { get; }

    /// <summary>Seconds that a message between its nodes takes one way; 0 for a node.</summary>
    public double ExchangeSeconds { get; }

    public double ExchangeBytesPerSecond { get; }

    public string Name => Nodes[0].Report.Name;

    public static Place Of(NodeOffer node, IReadOnlyList<NodePin> pins) =>
        new([node], pins.FirstOrDefault(pin => pin.Node == node.Report.Name)?.Layers, 0, 0);

    /// <summary>A node for layers behind a group's.</summary>
    public static Place Behind(NodeOffer node) => new([node], null, 0, 0, mayLead: false);

    /// <summary>The same place with no more memory than this, so that a spare could take its stage.</summary>
    public Place Within(long mostBytes) =>
        mostBytes >= FreeBytes ? this : new Place(Nodes, Pin, ExchangeSeconds, ExchangeBytesPerSecond, mostBytes, MayLead);

    /// <summary>A group, with the slowest way between two of its nodes.</summary>
    public static Place Group(IReadOnlyList<NodeOffer> nodes, LinkTable links)
    {
        var (slowest, narrowest) = (0.0, double.PositiveInfinity);
        for (var i = 0; i < nodes.Count; i++)
        {
            for (var j = 0; j < nodes.Count; j++)
            {
                if (i == j)
                    continue;
                var link = links.Between(nodes[i], nodes[j]);
                slowest = Math.Max(slowest, link.RoundTripSeconds / 2);
                narrowest = Math.Min(narrowest, link.BytesPerSecond);
            }
        }
        return new Place(nodes, null, slowest, narrowest);
    }
}
