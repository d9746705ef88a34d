namespace Formation.Inference.Cluster.Routing;

/// <summary>One head's work on a request, event by event. Belongs to one request.</summary>
internal sealed class HeadAttempt : IAsyncDisposable
{
    private readonly ReplicaLease _lease;
    private readonly RequestProgress _progress;
    private readonly IAsyncEnumerator<GenerationEvent> _events;
    private readonly TimeProvider _clock;
    private readonly long _begunAt;
    private bool _hasBegun;

    public HeadAttempt(IHeadClient client, ReplicaLease lease, RequestProgress progress, TimeProvider clock, CancellationToken cancellationToken)
    {
        (_lease, _progress, _clock, _begunAt) = (lease, progress, clock, clock.GetTimestamp());
        _events = client.GenerateAsync(lease.Replica, progress.BeginAttempt(), cancellationToken).GetAsyncEnumerator(cancellationToken);
    }

    public Replica Replica => _lease.Replica;

    /// <summary>Whether it brought the request nearer to its end.</summary>
    public bool HasProgressed { get; private set; }

    /// <summary>Time since the head got the request.</summary>
    public TimeSpan Lasted => _clock.GetElapsedTime(_begunAt);

    /// <summary>Waits for what comes next.</summary>
    public async ValueTask<AttemptStep> NextAsync()
    {
        try
        {
            while (true)
            {
                if (!await _events.MoveNextAsync())
                    return AttemptStep.Lost(HeadLoss.Untrusted, "it ended the stream before its end");
                if (_events.Current is GenerationFailed { Error: var error })
                    return AttemptStep.Of(error, wasAccepted: _progress.HasStarted);
                var shown = _progress.Accept(_events.Current, out var hasProgressed);
                HasProgressed |= hasProgressed;
                var hasAccepted = !_hasBegun;
                _hasBegun = true;
                if (shown is not null || hasAccepted || _progress.IsComplete)
                    return new AttemptStep { Event = shown, HasAccepted = hasAccepted };
            }
        }
        catch (HeadLostException loss)
        {
            return AttemptStep.Lost(loss.Loss, loss.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _events.DisposeAsync();
        }
        finally
        {
            _lease.Dispose();
        }
    }
}

/// <summary>What comes next of an attempt: an event, or one of its ends.</summary>
internal readonly record struct AttemptStep
{
    /// <summary>What the reader gets, or null.</summary>
    public GenerationEvent? Event { get; init; }

    /// <summary>Whether the head has accepted the request with this step.</summary>
    public bool HasAccepted { get; init; }

    /// <summary>A failure that any head would answer.</summary>
    public GenerationError? Answer { get; init; }

    /// <summary>A failure that this head answers, and another one perhaps would not.</summary>
    public GenerationError? Refusal { get; init; }

    /// <summary>How the head was lost.</summary>
    public HeadLoss? Loss { get; init; }

    /// <summary>What was seen of that, for operators.</summary>
    public string? Reason { get; init; }

    /// <summary>Tells a failure that is an answer to the request from one that only this head has.</summary>
    /// <param name="error">What the head answered.</param>
    /// <param name="wasAccepted">Whether another head has found the request in order.</param>
    public static AttemptStep Of(GenerationError error, bool wasAccepted) => error.Kind switch
    {
        GenerationErrorKind.QueueFull or GenerationErrorKind.ModelUnavailable => new AttemptStep { Refusal = error },
        GenerationErrorKind.ShuttingDown => Lost(HeadLoss.Leaving, "it shuts down"),
        GenerationErrorKind.Internal => Lost(HeadLoss.Failed, "it failed while it computed the request") with { Refusal = error },
        GenerationErrorKind.ModelNotFound => Lost(HeadLoss.Untrusted, "it does not know the model"),

        // This one is not like the other.
        _ when wasAccepted => Lost(HeadLoss.Untrusted, "it refuses what another head of the model has accepted"),
        _ => new AttemptStep { Answer = error },
    };

    public static AttemptStep Lost(HeadLoss loss, string reason) => new() { Loss = loss, Reason = reason };
}
