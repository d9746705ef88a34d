using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A stage that a test can hold back, and see the batches of.</summary>
internal sealed class WatchedStage(IModelStage stage) : IModelStage
{
    public LayerRange Layers => stage.Layers;

    /// <summary>Closed, the stage waits before each batch.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Called before each batch; may throw.</summary>
    public Action<Batch> Before { get; set; } = static _ => { };

    /// <summary>Slices of all batches so far.</summary>
    public List<BatchSlice> Slices { get; } = [];

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        Gate.Wait(CancellationToken.None);
        Before(batch);
        lock (Slices)
            Slices.AddRange(batch.Slices.Select(slice => slice with { BlockTable = slice.BlockTable.ToArray() }));
        return stage.ForwardAsync(batch, activations, cancellationToken);
    }

    public void Dispose() => stage.Dispose();
}
