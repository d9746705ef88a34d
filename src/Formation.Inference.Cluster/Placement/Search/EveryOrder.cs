namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Tries every order of every choice of places: exact, for few places.</summary>
internal sealed class EveryOrder(ChainCosts costs) : ChainSearch(costs)
{
    /// <summary>With so many places there are at most 13,699 orders of any length.</summary>
    public const int MostPlaces = 7;

    private readonly int[] _order = new int[costs.Stages];
    private readonly bool[] _used = new bool[costs.Places.Count];
    private readonly int[] _pinned = [.. Enumerable.Range(0, costs.Places.Count)
        .Where(place => costs.Places[place].Pin is not null)
        .OrderBy(place => costs.Places[place].Pin!.Value.First)];

    public override void Run() => Fill(0, 0);

    private void Fill(int position, int pins)
    {
        if (position == _order.Length)
        {
            Take(_order);
            return;
        }
        // All pinned places have a part, in the order of their layers.
        var mustPin = _pinned.Length - pins == _order.Length - position;
        for (var place = 0; place < _used.Length; place++)
        {
            var isPinned = Costs.Places[place].Pin is not null;
            if (_used[place] || (isPinned ? _pinned[pins] != place : mustPin))
                continue;
            _used[place] = true;
            _order[position] = place;
            Fill(position + 1, isPinned ? pins + 1 : pins);
            _used[place] = false;
        }
    }
}
