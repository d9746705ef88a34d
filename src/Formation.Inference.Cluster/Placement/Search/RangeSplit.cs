namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>
/// Divides a model's layers among places in a given order: the least sum of the stages' seconds of all divisions in which each stage has a
/// layer, fits its memory and stays under a limit of its own.
/// </summary>
/// <remarks>
/// Dynamic programming over (stage, layers so far). A stage's seconds and bytes are differences of sums that never fall, so the ranges that are
/// allowed form a window that only moves forward, and its minimum is kept in a queue: one look at each (stage, layer).
/// </remarks>
internal sealed class RangeSplit
{
    private readonly ChainCosts _costs;
    private readonly double[] _best;
    private readonly int[] _from;
    private readonly int[] _queue;
    private readonly int _width;

    public RangeSplit(ChainCosts costs)
    {
        _costs = costs;
        _width = costs.Layers + 1;
        _best = new double[costs.Stages * _width];
        _from = new int[costs.Stages * _width];
        _queue = new int[_width];
    }

    /// <summary>Entries of the table that were computed so far: what the search costs, whatever the machine.</summary>
    public long Work { get; private set; }

    /// <summary>The least sum, or infinity where no division is allowed.</summary>
    /// <param name="order">Index of each stage's place.</param>
    /// <param name="limit">Seconds that no stage may exceed.</param>
    public double Solve(ReadOnlySpan<int> order, double limit)
    {
        for (var position = 0; position < order.Length; position++)
            Advance(position, order[position], limit);
        return _best[(order.Length * _width) - 1];
    }

    /// <summary>The division that <see cref="Solve"/> found last.</summary>
    /// <param name="ends">For each stage the number of layers up to and with it.</param>
    public void ReadEnds(Span<int> ends)
    {
        var end = _costs.Layers;
        for (var position = ends.Length - 1; position >= 0; position--)
        {
            ends[position] = end;
            end = _from[(position * _width) + end];
        }
    }

    private void Advance(int position, int place, double limit)
    {
        var best = _best.AsSpan(position * _width, _width);
        var from = _from.AsSpan(position * _width, _width);
        best.Fill(double.PositiveInfinity);
        Work += _width;
        var seconds = _costs.LayerSeconds[place];
        var bytes = _costs.Variable;
        var room = _costs.Room(place, position);
        var beside = _costs.Fixed(place, position);
        var pin = _costs.Places[place].Pin;
        if (position == 0)
        {
            for (var end = 1; end < _width && bytes[end] <= room && seconds[end] + beside <= limit; end++)
                best[end] = seconds[end] + beside;
        }
        else
        {
            Extend(_best.AsSpan((position - 1) * _width, _width), best, from, seconds, bytes, room, beside, limit);
        }
        if (pin is { } layers)
            KeepOnly(layers, best, from, position, seconds, bytes, room, beside, limit);
    }

    private void Extend(
        ReadOnlySpan<double> before, Span<double> best, Span<int> from, double[] seconds, long[] bytes, long room, double beside, double limit)
    {
        var (head, tail) = (0, 0);
        for (var end = 1; end < _width; end++)
        {
            var start = end - 1;
            if (double.IsFinite(before[start]))
            {
                while (tail > head && before[_queue[tail - 1]] - seconds[_queue[tail - 1]] > before[start] - seconds[start])
                    tail--;
                _queue[tail++] = start;
            }
            while (tail > head
                && (bytes[end] - bytes[_queue[head]] > room || seconds[end] - seconds[_queue[head]] + beside > limit))
                head++;
            if (tail == head)
                continue;
            from[end] = _queue[head];
            best[end] = before[_queue[head]] + (seconds[end] - seconds[_queue[head]]) + beside;
        }
    }

    // A pinned place has its own layers and no others; what would cross them has no way on.
    private void KeepOnly(
        LayerSpan layers, Span<double> best, Span<int> from, int position, double[] seconds, long[] bytes, long room, double beside, double limit)
    {
        var before = position == 0
            ? layers.First == 0 ? 0 : double.PositiveInfinity
            : _best[((position - 1) * _width) + layers.First];
        var own = seconds[layers.End] - seconds[layers.First] + beside;
        best.Fill(double.PositiveInfinity);
        if (bytes[layers.End] - bytes[layers.First] <= room && own <= limit)
            best[layers.End] = before + own;
        from[layers.End] = layers.First;
    }
}
