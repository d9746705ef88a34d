using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>
/// The events of a response that this gateway runs: told at once to those who look on here, and kept a moment later for everybody. Written by one, read by
/// many.
/// </summary>
/// <param name="begin">The number of the first event that is not kept yet.</param>
/// <param name="keep">Keeps events that lie together; false where they are not this gateway's to keep any more.</param>
internal sealed class ResponseLog(int begin, Func<KeptEvents, CancellationToken, Task<bool>> keep)
{
    readonly Lock _lock = new();
    readonly List<ToldEvent> _unkept = [];
    TaskCompletionSource _changed = New();
    int _kept = begin;

    /// <summary>Completes when there is more than when it was asked for, or there will be no more.</summary>
    internal Task Changed
    {
        get
        {
            lock (_lock)
                return _changed.Task;
        }
    }

    /// <summary>The number of the next event.</summary>
    internal int Next
    {
        get
        {
            lock (_lock)
                return _kept + _unkept.Count;
        }
    }

    /// <summary>Adds events, whose numbers go on from the last one.</summary>
    internal void Add(IReadOnlyList<ToldEvent> events)
    {
        if (events.Count == 0)
            return;
        lock (_lock)
            _unkept.AddRange(events);
        Tell();
    }

    /// <summary>The events from one on, or null where they are kept and are to be read there.</summary>
    internal IReadOnlyList<ToldEvent>? From(int sequence)
    {
        lock (_lock)
            return sequence < _kept ? null : [.. _unkept.Skip(sequence - _kept)];
    }

    /// <summary>Keeps what was added. For the one who writes.</summary>
    /// <exception cref="ResponseLostException">Another gateway runs the response, or it has ended.</exception>
    internal async Task KeepAsync(CancellationToken cancellationToken)
    {
        ToldEvent[] events;
        lock (_lock)
            events = [.. _unkept];
        if (events.Length == 0)
            return;
        if (!await keep(ToldEvent.Write(events), cancellationToken))
            throw new ResponseLostException();
        lock (_lock)
        {
            _unkept.RemoveRange(0, events.Length);
            _kept += events.Length;
        }
    }

    /// <summary>Wakes those who look on, as there is more or there will be no more.</summary>
    internal void Tell()
    {
        TaskCompletionSource changed;
        lock (_lock)
            (changed, _changed) = (_changed, New());
        changed.SetResult();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A response has ended or is another gateway's, which this one therefore leaves.</summary>
internal sealed class ResponseLostException() : Exception("The response has ended, or another gateway holds it.");
