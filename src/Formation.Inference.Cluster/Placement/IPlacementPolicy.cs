namespace Formation.Inference.Cluster.Placement;

/// <summary>
/// Decides which nodes hold which layers. Values in, value out: no clock, no network, no model and no randomness, so the same values always
/// give the same plan.
/// </summary>
public interface IPlacementPolicy
{
    /// <summary>Its name in settings, events and answers.</summary>
    string Name { get; }

    /// <summary>Plans one model on the nodes on offer. Reports that can't be true leave their node out; they are no error.</summary>
    /// <exception cref="ArgumentException">The request or the model's shape makes no sense; the message says which value.</exception>
    PlacementResult Place(ModelShape model, PlacementRequest request, IReadOnlyList<NodeOffer> nodes);
}
