using System.Diagnostics;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>A chain whose recoveries are counted and timed.</summary>
/// <param name="inner">The chain; disposed with this.</param>
/// <param name="clock">Measures.</param>
/// <param name="recovered">Told how long a pause was, when it has ended.</param>
sealed class ObservedChain(IModelStage inner, TimeProvider clock, Action<TimeSpan> recovered) : IModelStage
{
    private long? _lostAt;

    public LayerRange Layers => inner.Layers;

    public int Depth => inner.Depth;

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken) =>
        inner.ForwardAsync(batch, activations, cancellationToken);

    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        // Attempts that fail belong to the same pause.
        _lostAt ??= clock.GetTimestamp();
        await inner.RecoverAsync(sequences, cancellationToken);
        recovered(clock.GetElapsedTime(_lostAt.Value));
        _lostAt = null;
    }

    public StageLostException? Loss => inner.Loss;

    public void WatchLosses(Action lost) => inner.WatchLosses(lost);

    public void BeginTrace(long sequenceId, ActivityContext parent) => inner.BeginTrace(sequenceId, parent);

    public void EndTrace(long sequenceId) => inner.EndTrace(sequenceId);

    public void Dispose() => inner.Dispose();
}
