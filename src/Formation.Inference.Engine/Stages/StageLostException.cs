namespace Formation.Inference.Engine.Stages;

/// <summary>
/// A machine with some of a model's layers is lost: it ended, it can't be reached, or what it sends can't be trusted. The sequences are
/// not: <see cref="IModelStage.RecoverAsync"/> rebuilds what it held.
/// </summary>
/// <param name="layers">The layers that are lost.</param>
/// <param name="reason">What was seen, for the operator; names no text and no token.</param>
/// <param name="inner">The cause, or null.</param>
public sealed class StageLostException(LayerRange layers, string reason, Exception? inner = null)
    : Exception($"{layers}: {reason}", inner)
{
    public LayerRange Layers { get; } = layers;

    public string Reason { get; } = reason;
}
