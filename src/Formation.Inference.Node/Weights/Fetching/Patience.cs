namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Bounds the time that a source may take for one answer.</summary>
sealed class Patience : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _either;
    private readonly TimeSpan _limit;

    public Patience(TimeSpan limit, TimeProvider clock, CancellationToken caller)
    {
        _limit = limit;
        _caller = caller;
        _time = new CancellationTokenSource(limit, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_time.Token, caller);
    }

    /// <summary>Ends with the time, or with the caller's own token.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Waits for an answer, and no longer than the limit even where the source heeds no token.</summary>
    /// <exception cref="ChunkSourceException">The time is over.</exception>
    public async Task WaitAsync(Task answer)
    {
        try
        {
            await answer.WaitAsync(Token);
        }
        catch (OperationCanceledException) when (!_caller.IsCancellationRequested)
        {
            throw new ChunkSourceException(ChunkSourceFault.Unreachable, $"no answer within {_limit.TotalSeconds:0} s");
        }
    }

    /// <inheritdoc cref="WaitAsync(Task)"/>
    public async Task<T> WaitAsync<T>(Task<T> answer)
    {
        await WaitAsync((Task)answer);
        return await answer;
    }

    public void Dispose()
    {
        _either.Dispose();
        _time.Dispose();
    }
}
