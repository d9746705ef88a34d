namespace Formation.Inference.Node.Heads.Connections;

/// <summary>Memory that several connections share, so that many of them together can't make this process hold more. Safe to use from any thread.</summary>
/// <param name="limit">Bytes.</param>
sealed class ByteBudget(long limit)
{
    long _taken;

    /// <summary>Bytes that are taken.</summary>
    public long Taken => Volatile.Read(ref _taken);

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= limit)
            return true;
        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
