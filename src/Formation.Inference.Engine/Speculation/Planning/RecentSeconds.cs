using System.Runtime.CompilerServices;

namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>
/// The last measurements of one thing. The middle one of three counts, so that a collection, or a wait for a core, does not; of two the lower,
/// because what disturbs a measurement makes it longer.
/// </summary>
internal struct RecentSeconds
{
    const int Kept = 3;

    Ring _last;

    /// <summary>Measurements taken.</summary>
    public long Count { get; private set; }

    public void Add(double seconds) => _last[(int)(Count++ % Kept)] = seconds;

    /// <summary>The one that counts, or 0 before the first.</summary>
    public readonly double Middle => Count switch
    {
        0 => 0,
        1 => _last[0],
        2 => Math.Min(_last[0], _last[1]),
        _ => Math.Max(Math.Min(_last[0], _last[1]), Math.Min(Math.Max(_last[0], _last[1]), _last[2])),
    };

    [InlineArray(Kept)]
    struct Ring
    {
        double _first;
    }
}
