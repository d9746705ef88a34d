namespace Formation.Inference.Node.Agent;

/// <summary>
/// How long to wait before the next try: doubled each time up to a limit, and drawn from the upper half, so that the nodes of a gateway that
/// went away do not come back all in the same moment.
/// </summary>
/// <param name="random">Where the draw comes from.</param>
public sealed class Backoff(Random random)
{
    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private TimeSpan _next = First;

    /// <summary>The wait before the next try; each call counts as a failure.</summary>
    public TimeSpan Next()
    {
        var wait = _next * (0.5 + (0.5 * random.NextDouble()));
        _next = _next * 2 < Longest ? _next * 2 : Longest;
        return wait;
    }

    /// <summary>A try has succeeded.</summary>
    public void Reset() => _next = First;
}
