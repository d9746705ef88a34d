using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>A chain with its places and layers.</summary>
/// <param name="Places">In the order of the layers; the first is the head.</param>
/// <param name="Layers">Of each place.</param>
/// <param name="RoundSeconds">The time in which each sequence that counts gets a token.</param>
internal sealed record PlacedChain(IReadOnlyList<Place> Places, IReadOnlyList<LayerSpan> Layers, double RoundSeconds)
{
    public int Stages => Places.Count;

    public IEnumerable<NodeOffer> Nodes => Places.SelectMany(place => place.Nodes);

    public static PlacedChain Of(Chain chain, IReadOnlyList<Place> places)
    {
        var layers = new LayerSpan[chain.Order.Count];
        var first = 0;
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = new LayerSpan(first, chain.Ends[i] - first);
            first = chain.Ends[i];
        }
        return new PlacedChain([.. chain.Order.Select(place => places[place])], layers, chain.RoundSeconds);
    }
}
