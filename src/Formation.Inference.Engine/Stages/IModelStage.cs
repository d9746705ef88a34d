namespace Formation.Inference.Engine.Stages;

/// <summary>A contiguous range of a model's layers, here or on another machine. It owns the KV memory of these layers.</summary>
/// <remarks>
/// <para>The head assigns block ids; a stage stores what <see cref="Batch"/> says at the place it says, and decides nothing.</para>
/// <para><see cref="ForwardAsync"/> replaces the activations of every row by the output of the last layer. One call at a time; a row's
/// result
/// does not depend on the other rows of the batch nor on how a prompt was cut. A cancelled or failed call leaves the KV rows of this batch
/// undefined and everything else as it was. The local implementation completes synchronously.</para>
/// </remarks>
public interface IModelStage : IDisposable
{
    LayerRange Layers { get; }

    ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken);
}
