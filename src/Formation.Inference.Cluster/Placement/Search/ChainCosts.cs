using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>All that decides about chains of one number of stages, in arrays: what the search asks over and over.</summary>
/// <remarks>
/// A round is the time in which each sequence gets a token. With one batch it is the way of a token through all stages and back. With several
/// under way, no stage can end a round before it has computed every batch, nor a link before it has carried every batch.
/// </remarks>
internal sealed class ChainCosts
{
    private readonly double[] _hops;
    private readonly double[] _transfers;

    public ChainCosts(IReadOnlyList<Place> places, int stages, int batches, MemoryCosts memory, StepCosts step, double outputRows)
    {
        (Places, Stages, Batches) = (places, stages, batches);
        Variable = memory.Variable;
        LayerSeconds = [.. places.Select(step.Layers)];
        HeadSeconds = [.. places.Select(place => step.Fixed(place, 0, outputRows))];
        OtherSeconds = [.. places.Select(place => step.Fixed(place, 1, 0))];
        HeadRoom = [.. places.Select(place => memory.Room(place, 0, stages))];
        MiddleRoom = [.. places.Select(place => memory.Room(place, 1, stages))];
        LastRoom = [.. places.Select(place => memory.Room(place, stages - 1, stages))];
        _hops = new double[places.Count * places.Count];
        _transfers = new double[places.Count * places.Count];
        if (stages == 1)
            return;
        for (var i = 0; i < places.Count; i++)
        {
            for (var j = 0; j < places.Count; j++)
            {
                if (i == j)
                    continue;
                _hops[(i * places.Count) + j] = step.Hop(places[i], places[j]);
                _transfers[(i * places.Count) + j] = step.Transfer(places[i], places[j]);
            }
        }
    }

    public IReadOnlyList<Place> Places { get; }

    public int Stages { get; }

    /// <summary>Batches under way at once.</summary>
    public int Batches { get; }

    public int Layers => Variable.Length - 1;

    /// <summary>Bytes of the first layers. Index: number of layers.</summary>
    public long[] Variable { get; }

    /// <summary>Seconds of the first layers. Index: place, number of layers.</summary>
    public double[][] LayerSeconds { get; }

    public double[] HeadSeconds { get; }

    public double[] OtherSeconds { get; }

    public long[] HeadRoom { get; }

    public long[] MiddleRoom { get; }

    public long[] LastRoom { get; }

    /// <summary>The most bytes that layers may take on a place.</summary>
    public long Room(int place, int position) =>
        position == 0 ? HeadRoom[place] : position == Stages - 1 ? LastRoom[place] : MiddleRoom[place];

    /// <summary>Seconds of a stage beside its layers.</summary>
    public double Fixed(int place, int position) => position == 0 ? HeadSeconds[place] : OtherSeconds[place];

    public double Hop(int from, int to) => _hops[(from * Places.Count) + to];

    /// <summary>Seconds that activations are on their way in a token's round, back to the head included.</summary>
    public double Hops(ReadOnlySpan<int> order)
    {
        if (order.Length == 1)
            return 0;
        var seconds = Hop(order[^1], order[0]);
        for (var i = 1; i < order.Length; i++)
            seconds += Hop(order[i - 1], order[i]);
        return seconds;
    }

    /// <summary>The time for which the busiest link carries the batches of a round.</summary>
    public double BusiestLink(ReadOnlySpan<int> order)
    {
        if (order.Length == 1)
            return 0;
        var most = _transfers[(order[^1] * Places.Count) + order[0]];
        for (var i = 1; i < order.Length; i++)
            most = Math.Max(most, _transfers[(order[i - 1] * Places.Count) + order[i]]);
        return most * Batches;
    }
}
