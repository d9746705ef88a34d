using System.Diagnostics;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>Stages elsewhere whose recoveries are noted.</summary>
/// <param name="inner">The stages; disposed with this.</param>
/// <param name="begun">Told when a recovery is tried.</param>
/// <param name="recovered">Told when they work (again).</param>
sealed class ObservedChain(IModelStage inner, Action begun, Action recovered) : IModelStage
{
    public LayerRange Layers => inner.Layers;

    public int Depth => inner.Depth;

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken) =>
        inner.ForwardAsync(batch, activations, cancellationToken);

    public async ValueTask RecoverAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        begun();
        await inner.RecoverAsync(sequences, cancellationToken);
        recovered();
    }

    public StageLostException? Loss => inner.Loss;

    public void WatchLosses(Action lost) => inner.WatchLosses(lost);

    public void BeginTrace(long sequenceId, ActivityContext parent) => inner.BeginTrace(sequenceId, parent);

    public void EndTrace(long sequenceId) => inner.EndTrace(sequenceId);

    public void Dispose() => inner.Dispose();
}
