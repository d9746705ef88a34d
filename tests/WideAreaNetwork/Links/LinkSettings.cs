namespace Formation.Inference.WideAreaNetwork.Links;

/// <summary>What one direction of the way between two nodes is like. The default is a line without delay, limit or loss.</summary>
public sealed record LinkSettings
{
    /// <summary>Time that a packet is on its way after the line has sent it: half of the round trip where both directions have the same.</summary>
    public TimeSpan Delay
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= TimeSpan.FromMinutes(1)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Delay), value, "A delay is from 0 to 1 minute.");
    }

    /// <summary>Bits in a second, IP headers included, that the line sends; null sends at once.</summary>
    public long? BitsPerSecond
    {
        get;
        init => field = value is null or (>= 1_000 and <= 1_000_000_000_000)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(BitsPerSecond), value, "A rate is from 1 kbit to 1 Tbit in a second.");
    }

    /// <summary>
    /// The longest that a packet waits for the packets in front of it; one that would wait longer is dropped, as a router with a full
    /// queue does. Given as a time and not in bytes, because what a good size is follows the rate.
    /// </summary>
    public TimeSpan Queue
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= TimeSpan.FromMinutes(1)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Queue), value, "A queue holds from 0 to 1 minute.");
    } = TimeSpan.FromMilliseconds(50);

    /// <summary>Share of the packets that are lost on the way, each by a throw of its own: from 0 to 1.</summary>
    public double Loss
    {
        get;
        init => field = value is >= 0 and <= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Loss), value, "A loss is from 0 to 1.");
    }

    /// <summary>Whether everything is dropped without a word, also what is on its way: a cable pulled out, where neither end is told.</summary>
    public bool IsCut { get; init; }
}
