namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>
/// For many places: begins with promising orders and improves them by exchanging, swapping and replacing places until nothing helps or the
/// work is used up. Not exact; it ends after a counted amount of work, so that the same values give the same plan on every machine.
/// </summary>
internal sealed class ImprovedOrders : ChainSearch
{
    private const int Heads = 12;
    private const int BestBeginnings = 3;

    private readonly long _workLimit;
    private readonly int[] _bySpeed;
    private readonly int[] _byRoom;
    private long _coverWork;

    /// <param name="workLimit">Table entries after which it ends with what it has.</param>
    public ImprovedOrders(ChainCosts costs, long workLimit)
        : base(costs)
    {
        _workLimit = workLimit;
        var places = Enumerable.Range(0, costs.Places.Count).ToArray();
        _bySpeed = [.. places.OrderBy(place => costs.LayerSeconds[place][^1])];
        _byRoom = [.. places.OrderByDescending(place => costs.HeadRoom[place])];
    }

    public override void Run()
    {
        var beginnings = Beginnings().Select(order => (Order: order, Score: ScoreOf(order, double.PositiveInfinity)))
            .OrderBy(beginning => beginning.Score.Uncovered).ThenBy(beginning => beginning.Score.Round)
            .Take(BestBeginnings)
            .ToArray();
        foreach (var (order, score) in beginnings)
        {
            Improve(order, score);
            Take(order);
        }
    }

    private IEnumerable<int[]> Beginnings()
    {
        yield return Chained(_bySpeed[..Costs.Stages]);
        yield return Chained(_byRoom[..Costs.Stages]);
        foreach (var head in _bySpeed.Take(Heads).Concat(_byRoom.Take(Heads)).Distinct())
            yield return Grown(head);
    }

    // The nearest follows, from the first on.
    private int[] Chained(int[] places)
    {
        var order = places.ToArray();
        for (var i = 1; i < order.Length; i++)
        {
            var nearest = i;
            for (var j = i + 1; j < order.Length; j++)
            {
                if (Costs.Hop(order[i - 1], order[j]) < Costs.Hop(order[i - 1], order[nearest]))
                    nearest = j;
            }
            (order[i], order[nearest]) = (order[nearest], order[i]);
        }
        return order;
    }

    // From a head on, always the place that costs least for an equal share of the layers, the way there included.
    private int[] Grown(int head)
    {
        var order = new int[Costs.Stages];
        var used = new bool[Costs.Places.Count];
        order[0] = head;
        used[head] = true;
        var share = Costs.Variable[^1] / Costs.Stages;
        for (var i = 1; i < order.Length; i++)
        {
            var (next, least) = (-1, double.PositiveInfinity);
            foreach (var place in _bySpeed)
            {
                if (used[place])
                    continue;
                var seconds = Costs.Hop(order[i - 1], place) + (Costs.LayerSeconds[place][^1] / Costs.Stages);
                // A place without room for its share is a last resort.
                if (Costs.Room(place, i) < share)
                    seconds += 1e3;
                if (seconds < least)
                    (next, least) = (place, seconds);
            }
            order[i] = next;
            used[next] = true;
        }
        return order;
    }

    private void Improve(int[] order, (int Uncovered, double Round) score)
    {
        var used = new bool[Costs.Places.Count];
        foreach (var place in order)
            used[place] = true;
        bool improved;
        do
        {
            improved = Replace() | Swap();
        }
        while (improved && !IsSpent);

        bool Replace()
        {
            var any = false;
            for (var i = 0; i < order.Length; i++)
            {
                foreach (var place in _bySpeed)
                {
                    if (IsSpent)
                        return any;
                    if (used[place])
                        continue;
                    var before = order[i];
                    order[i] = place;
                    if (TryKeep())
                    {
                        (used[before], used[place], any) = (false, true, true);
                        continue;
                    }
                    order[i] = before;
                }
            }
            return any;
        }

        bool Swap()
        {
            var any = false;
            for (var i = 0; i < order.Length; i++)
            {
                for (var j = i + 1; j < order.Length && !IsSpent; j++)
                {
                    (order[i], order[j]) = (order[j], order[i]);
                    if (TryKeep())
                        any = true;
                    else
                        (order[i], order[j]) = (order[j], order[i]);
                }
            }
            return any;
        }

        bool TryKeep()
        {
            var tried = ScoreOf(order, score.Round);
            if (tried.Uncovered > score.Uncovered || (tried.Uncovered == score.Uncovered && !(tried.Round < score.Round)))
                return false;
            score = tried;
            return true;
        }
    }

    private bool IsSpent => Work + _coverWork > _workLimit;

    private (int Uncovered, double Round) ScoreOf(ReadOnlySpan<int> order, double under)
    {
        var uncovered = Uncovered(order);
        return uncovered > 0 ? (uncovered, double.PositiveInfinity) : (0, Round(order, under));
    }

    // Layers that find no place when each stage in turn takes as many as fit.
    private int Uncovered(ReadOnlySpan<int> order)
    {
        var covered = 0;
        for (var i = 0; i < order.Length && covered < Costs.Layers; i++)
        {
            var room = Costs.Room(order[i], i);
            var end = covered;
            while (end < Costs.Layers && Costs.Variable[end + 1] - Costs.Variable[covered] <= room)
                end++;
            _coverWork += end - covered + 1;
            covered = end;
        }
        return Costs.Layers - covered;
    }
}
