namespace Formation.Inference.Engine.Serving;

/// <summary>Counts the requests between their submission and their first step, against a limit. Safe from any thread.</summary>
internal sealed class QueueLimit(int limit)
{
    int _count;

    public int Limit => limit;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes a place. False where all are taken.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= limit)
            return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _count);
}
