namespace Formation.Inference.Cluster.Nodes;

/// <summary>Whose a key is.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Worker">Id of its worker, or null where the key is the node's own.</param>
/// <param name="IsOnline">Whether the node has a control stream here now.</param>
public sealed record KeyHolder(string Node, string? Worker, bool IsOnline);
