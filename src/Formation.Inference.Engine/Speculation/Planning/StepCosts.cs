namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>What a step of decoding takes by its number of rows: measured where it was, else estimated from its neighbours.</summary>
internal sealed class StepCosts
{
    /// <summary>Steps with more rows are neither measured nor planned.</summary>
    public const int MaxRows = 64;

    // Beyond what was measured, a step is taken to cost as much as this many rows before its first one: most of it is reading the weights. That
    // is more hopeful than most machines are, so that it is tried, and then known.
    const double RowsBeforeFirst = 12;

    readonly RecentSeconds[] _byRows = new RecentSeconds[MaxRows + 1];
    readonly long[] _measuredAt = new long[MaxRows + 1];
    long _steps;

    /// <summary>Takes a step's measurement.</summary>
    public void Add(int rows, double seconds)
    {
        _steps++;
        if (rows > MaxRows)
            return;
        _byRows[rows].Add(seconds);
        _measuredAt[rows] = _steps;
    }

    /// <summary>Measurements of steps with this number of rows, at most <see cref="MaxRows"/>.</summary>
    public long CountOf(int rows) => _byRows[rows].Count;

    /// <summary>Steps that were measured since the last one with this number of rows.</summary>
    public long AgeOf(int rows) => _steps - _measuredAt[rows];

    /// <summary>Seconds that a step with this number of rows takes, or null while no step has been measured.</summary>
    /// <param name="rows">1 to <see cref="MaxRows"/>.</param>
    public double? Estimate(int rows)
    {
        if (IsKnown(rows))
            return _byRows[rows].Middle;
        var (below, above) = (rows - 1, rows + 1);
        while (below > 0 && !IsKnown(below))
            below--;
        while (above <= MaxRows && !IsKnown(above))
            above++;
        return (below > 0, above <= MaxRows) switch
        {
            (true, true) => Interpolate(below, above, rows),
            (true, false) => Scale(below, rows),
            (false, true) => Scale(above, rows),
            _ => null,
        };
    }

    bool IsKnown(int rows) => _byRows[rows].Count > 0;

    double Interpolate(int below, int above, int rows)
    {
        var (low, high) = (_byRows[below].Middle, _byRows[above].Middle);
        return low + (high - low) * (rows - below) / (above - below);
    }

    double Scale(int known, int rows) => _byRows[known].Middle * (RowsBeforeFirst + rows) / (RowsBeforeFirst + known);
}
