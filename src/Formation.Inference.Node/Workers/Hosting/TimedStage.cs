using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// Layers of this machine whose steps of generation are timed: so their node's speed is known while it serves. Steps with a prompt in them are
/// not, for what they take depends on how they were cut. One thread computes; any thread may read.
/// </summary>
/// <param name="inner">The layers; disposed with this.</param>
/// <param name="clock">Measures.</param>
sealed class TimedStage(IModelStage inner, TimeProvider clock) : IModelStage
{
    private readonly Lock _lock = new();
    private DecodeWork _work;

    public LayerRange Layers => inner.Layers;

    public int Depth => inner.Depth;

    /// <summary>What was computed so far.</summary>
    public DecodeWork Work
    {
        get
        {
            lock (_lock)
                return _work;
        }
    }

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        var forward = inner.ForwardAsync(batch, activations, cancellationToken);
        // A stage that is not done when it returns waits for others.
        if (forward.IsCompletedSuccessfully && batch.Slices.All(slice => slice.Kind == SliceKind.Decode))
            Note(batch, clock.GetElapsedTime(start));
        return forward;
    }

    public ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken) =>
        inner.RecoverAsync(sequences, cancellationToken);

    public StageLostException? Loss => inner.Loss;

    public void WatchLosses(Action lost) => inner.WatchLosses(lost);

    public void Dispose() => inner.Dispose();

    private void Note(Batch batch, TimeSpan time)
    {
        // Row r of a slice sees all positions up to and with its own.
        var positions = batch.Slices.Sum(slice => (slice.RowCount * (long)slice.FirstPosition) + (slice.RowCount * (slice.RowCount + 1L) / 2));
        lock (_lock)
            _work = new DecodeWork(_work.Steps + 1, _work.Rows + batch.RowCount, _work.Positions + positions, _work.Seconds + time.TotalSeconds);
    }
}
