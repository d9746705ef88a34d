namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>A chain: which places in which order, with which layers.</summary>
/// <param name="Order">Index of each stage's place.</param>
/// <param name="Ends">For each stage the number of layers up to and with it.</param>
/// <param name="RoundSeconds">The time in which each sequence gets a token.</param>
internal sealed record Chain(IReadOnlyList<int> Order, IReadOnlyList<int> Ends, double RoundSeconds);

/// <summary>Finds the order and division with the shortest round, for one number of stages.</summary>
internal abstract class ChainSearch
{
    // Rounds that differ by less count as equal, so that rounding never decides.
    private const double Noise = 1e-9;

    private readonly RangeSplit _split;
    private readonly int[] _ends;

    protected ChainSearch(ChainCosts costs)
    {
        Costs = costs;
        _split = new RangeSplit(costs);
        _ends = new int[costs.Stages];
    }

    /// <summary>The best chain so far, or null where none fits.</summary>
    public Chain? Best { get; private set; }

    /// <summary>Table entries computed so far, see <see cref="RangeSplit.Work"/>.</summary>
    public long Work => _split.Work;

    protected ChainCosts Costs { get; }

    /// <summary>Searches; <see cref="Best"/> is the result.</summary>
    public abstract void Run();

    /// <summary>The shortest round of an order, or infinity where it does not fit.</summary>
    /// <param name="order">Index of each stage's place.</param>
    /// <param name="under">Where no round shorter than this is possible, some longer one (or infinity) is given.</param>
    public double Round(ReadOnlySpan<int> order, double under = double.PositiveInfinity)
    {
        var hops = Costs.Hops(order);
        var least = Costs.BusiestLink(order);
        if (least >= under)
            return double.PositiveInfinity;
        // Where one batch is under way, or no limit is known yet, the sum alone decides first.
        var limit = Costs.Batches == 1 ? double.PositiveInfinity : under / Costs.Batches;
        var sum = _split.Solve(order, limit) + hops;
        if (!(sum < under))
            return double.PositiveInfinity;
        _split.ReadEnds(_ends);
        var round = Math.Max(least, Math.Max(sum, Busiest(order)));
        if (Costs.Batches == 1 || round <= Math.Max(sum, least) * (1 + Noise))
            return round;
        return Narrow(order, hops, Math.Max(least, sum), round);
    }

    /// <summary>Takes an order where it is better than the best so far.</summary>
    /// <returns>Whether it was.</returns>
    protected bool Take(ReadOnlySpan<int> order)
    {
        var round = Round(order, Best is null ? double.PositiveInfinity : Best.RoundSeconds * (1 - Noise));
        if (!double.IsFinite(round) || (Best is not null && round >= Best.RoundSeconds * (1 - Noise)))
            return false;
        Best = new Chain(order.ToArray(), EndsOf(order, round), round);
        return true;
    }

    // The shortest round is the smallest one in which the least sum under its limit fits: halving finds it.
    private double Narrow(ReadOnlySpan<int> order, double hops, double low, double high)
    {
        while (high - low > high * Noise)
        {
            var middle = low + ((high - low) / 2);
            var sum = _split.Solve(order, middle / Costs.Batches) + hops;
            if (sum <= middle)
            {
                _split.ReadEnds(_ends);
                high = Math.Min(middle, Math.Max(sum, Busiest(order)));
                low = Math.Min(low, high);
            }
            else
            {
                low = middle;
            }
        }
        return high;
    }

    private int[] EndsOf(ReadOnlySpan<int> order, double round)
    {
        var limit = Costs.Batches == 1 ? double.PositiveInfinity : round * (1 + Noise) / Costs.Batches;
        _split.Solve(order, limit);
        var ends = new int[order.Length];
        _split.ReadEnds(ends);
        return ends;
    }

    private double Busiest(ReadOnlySpan<int> order)
    {
        var (most, start) = (0.0, 0);
        for (var i = 0; i < order.Length; i++)
        {
            var seconds = Costs.LayerSeconds[order[i]];
            most = Math.Max(most, seconds[_ends[i]] - seconds[start] + Costs.Fixed(order[i], i));
            start = _ends[i];
        }
        return most * Costs.Batches;
    }
}
