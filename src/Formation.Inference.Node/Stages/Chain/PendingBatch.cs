using System.Threading.Tasks.Sources;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>A batch that is under way; used again for the next when its caller has seen the end of it.</summary>
/// <param name="chain">Where it goes back to.</param>
internal sealed class PendingBatch(RemoteChain chain) : IValueTaskSource
{
    // A caller's continuation may compute for long; the thread that reads results is not lent out for that.
    ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    CancellationTokenRegistration _registration;

    public long Number { get; private set; }

    public Activations Activations { get; private set; } = null!;

    public CancellationToken Token { get; private set; }

    /// <summary>Whether the reader of the result is writing to the activations: then it alone may end the call.</summary>
    public bool IsReceiving { get; set; }

    public ValueTask Task => new(this, _source.Version);

    public void Begin(long number, Activations activations, CancellationToken token)
    {
        (Number, Activations, Token, IsReceiving) = (number, activations, token, false);
        _registration = token.UnsafeRegister(
            static (state, token) => ((PendingBatch)state!).Cancel(token), this);
    }

    public void Succeed()
    {
        _registration.Unregister();
        _source.SetResult(true);
    }

    public void Fail(Exception reason)
    {
        _registration.Unregister();
        _source.SetException(reason);
    }

    public void GetResult(short token)
    {
        try
        {
            _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            Activations = null!;
            chain.Release(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    // It may serve another batch by now; that one is not cancelled unless it has the same token.
    void Cancel(CancellationToken token)
    {
        if (Token == token)
            chain.Cancel(Number);
    }
}
