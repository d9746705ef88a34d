namespace Formation.Inference.WideAreaNetwork.Links;

/// <summary>
/// One direction of the way between two nodes: a queue before a line that sends one packet after the other (a token bucket without a
/// burst), and then the delay. Times are in nanoseconds of one clock, which the caller reads.
/// </summary>
public sealed class EmulatedLink
{
    /// <summary>What <see cref="Admit"/> gives for a packet that does not arrive.</summary>
    internal const long Dropped = -1;

    private readonly Lock _gate;
    private readonly Random _random;
    private LinkSettings _settings;
    private LinkTraffic _traffic;
    private long _delay;
    private long _queue;
    private long _free;

    /// <param name="gate">What the forwarder holds while it handles packets.</param>
    /// <param name="settings">What the link is like at first.</param>
    /// <param name="random">Decides which packets are lost; used under the gate alone.</param>
    internal EmulatedLink(Lock gate, LinkSettings settings, Random random)
    {
        _gate = gate;
        _random = random;
        _settings = settings;
        Take(settings);
    }

    /// <summary>
    /// What the link is like; may be changed while packets flow. When it returns, every later packet meets the new settings. Packets
    /// that are on their way keep the delay that they left with, so later ones may overtake them where the delay is made shorter.
    /// </summary>
    public LinkSettings Settings
    {
        get
        {
            lock (_gate)
                return _settings;
        }
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            lock (_gate)
                Take(value);
        }
    }

    /// <summary>What went over the link so far.</summary>
    public LinkTraffic Traffic
    {
        get
        {
            lock (_gate)
                return _traffic;
        }
    }

    /// <summary>Takes a packet at the near end: when it arrives at the far one, or <see cref="Dropped"/>.</summary>
    internal long Admit(long now, int bytes)
    {
        if (_settings.IsCut)
        {
            _traffic = _traffic with { Cut = _traffic.Cut + 1 };
            return Dropped;
        }
        var begin = Math.Max(now, _free);
        if (begin - now > _queue)
        {
            DropOverflow();
            return Dropped;
        }
        // Rounded up: the rate is never exceeded.
        _free = _settings.BitsPerSecond is { } rate ? begin + ((bytes * 8_000_000_000L + rate - 1) / rate) : now;
        // A lost packet has taken its time on the line: what loses it lies behind.
        if (_settings.Loss > 0 && _random.NextDouble() < _settings.Loss)
        {
            _traffic = _traffic with { Lost = _traffic.Lost + 1 };
            return Dropped;
        }
        return _free + _delay;
    }

    /// <summary>Counts a packet that there was no room for.</summary>
    internal void DropOverflow() => _traffic = _traffic with { Overflowed = _traffic.Overflowed + 1 };

    /// <summary>Whether a packet that has come to the far end goes in there, counted either way.</summary>
    /// <param name="bytes">Its length.</param>
    /// <param name="refused">Whether the node's translator of addresses turns it away.</param>
    internal bool Arrives(int bytes, bool refused)
    {
        if (_settings.IsCut)
            _traffic = _traffic with { Cut = _traffic.Cut + 1 };
        else if (refused)
            _traffic = _traffic with { Refused = _traffic.Refused + 1 };
        else
            _traffic = _traffic with { Packets = _traffic.Packets + 1, Bytes = _traffic.Bytes + bytes };
        return !_settings.IsCut && !refused;
    }

    private void Take(LinkSettings settings)
    {
        _settings = settings;
        _delay = (long)settings.Delay.TotalNanoseconds;
        _queue = (long)settings.Queue.TotalNanoseconds;
    }
}
