using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>A gateway that a node may turn to.</summary>
/// <param name="Pin">The key that it must show.</param>
/// <param name="Urls">Where it listens for nodes, best first; empty where a node keeps the URL that it knows.</param>
public sealed record KnownGateway(KeyPin Pin, IReadOnlyList<string> Urls);
