using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Workers;

/// <summary>Where a worker is reached, and the key that it proves to be itself with.</summary>
/// <param name="Id">The worker.</param>
/// <param name="Node">Name of its node, for people.</param>
/// <param name="Layers">What it computes.</param>
/// <param name="Pin">Its own key, made when its process started: the node's key never leaves the node's agent.</param>
/// <param name="Addresses"><c>host:port</c> or <c>relay:PIN</c>, best first.</param>
public sealed record WorkerEndpoint(string Id, string Node, LayerSpan Layers, KeyPin Pin, IReadOnlyList<string> Addresses)
{
    /// <summary>Among those that share each layer with the head; 0 for a stage.</summary>
    public int Rank { get; init; }
}
