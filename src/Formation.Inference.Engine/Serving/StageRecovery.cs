using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// An engine's attempts to replace a lost stage: begun when the last step in flight has failed, repeated until one succeeds or the time is
/// over. The engine's thread asks it between two looks at its inbox, and schedules nothing in the meantime. See
/// docs/adr/0015-one-model-over-many-nodes.md.
/// </summary>
/// <param name="pipeline">What lost a stage.</param>
/// <param name="scheduler">Knows which sequences are to be rebuilt.</param>
/// <param name="clock">The clock.</param>
/// <param name="limit">How long the requests wait.</param>
/// <param name="wake">Called on any thread when an attempt has ended, or may be repeated.</param>
internal sealed class StageRecovery(Pipeline pipeline, Scheduler scheduler, TimeProvider clock, TimeSpan limit, Action wake)
{
    // Between attempts that fail at once, so that a network without a spare is not asked all the time.
    static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100), LongestPause = TimeSpan.FromSeconds(5);

    Task? _attempt;
    TimeSpan _pause;
    long _lostAt;
    long _waitingSince;

    /// <summary>Whether a stage is lost.</summary>
    public bool IsUnderWay => _attempt is not null;

    /// <summary>What the last attempt, or the loss itself, failed of.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Time since the loss.</summary>
    public TimeSpan Elapsed => clock.GetElapsedTime(_lostAt);

    /// <summary>Time that the requests have waited.</summary>
    public TimeSpan Waited => clock.GetElapsedTime(_waitingSince);

    /// <summary>Whether the requests have waited long enough.</summary>
    public bool IsOverdue => Waited >= limit;

    /// <summary>Notes the loss and makes the first attempt. No step is in flight.</summary>
    public void Begin(StageLostException loss, CancellationToken cancellationToken)
    {
        _lostAt = _waitingSince = clock.GetTimestamp();
        Reason = loss.Reason;

        // What nobody holds is not rebuilt, so nobody may find it.
        scheduler.ForgetUnheldPrefixes();
        _pause = TimeSpan.Zero;
        Attempt(cancellationToken);
    }

    /// <summary>Starts the time that requests have anew, for the first that came when none was there, or none any more.</summary>
    public void Extend() => _waitingSince = clock.GetTimestamp();

    /// <summary>Looks at the attempt, and makes another where it failed, after a pause that grows.</summary>
    /// <returns>Whether the stage is replaced.</returns>
    public bool TryComplete(CancellationToken cancellationToken)
    {
        if (_attempt is not { IsCompleted: true } ended)
            return false;
        try
        {
            ended.GetAwaiter().GetResult();
            _attempt = null;
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception failure)
        {
            Reason = failure is StageLostException loss ? loss.Reason : failure.GetType().Name;
            _pause = _pause == TimeSpan.Zero ? ShortestPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
            Attempt(cancellationToken);
            return false;
        }
    }

    /// <summary>Waits for the end of an attempt that was cancelled.</summary>
    public void WaitUntilEnded() => SpinWait.SpinUntil(() => _attempt is not { IsCompleted: false });

    void Attempt(CancellationToken cancellationToken)
    {
        // By value: what ends while the attempt runs frees its blocks, and nobody gets them before it has ended.
        var sequences = scheduler.Stored();
        var (pause, patience) = (_pause, limit - Waited > ShortestPause ? limit - Waited : ShortestPause);
        _attempt = Task.Run(() => RecoverAsync(sequences, pause, patience, cancellationToken), CancellationToken.None);
        _attempt.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    async Task RecoverAsync(List<StoredSequence> sequences, TimeSpan pause, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (pause > TimeSpan.Zero)
            await Task.Delay(pause, clock, cancellationToken).ConfigureAwait(false);

        // The requests' patience bounds an attempt, too: a provider that never answers must not hold them.
        using var overdue = new CancellationTokenSource(patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(overdue.Token, cancellationToken);
        try
        {
            await pipeline.RecoverAsync(sequences, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (overdue.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new StageLostException(default, "no replacement answered in time");
        }
    }
}
