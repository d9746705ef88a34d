namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>Between which numbers demand may move a deployment's replicas.</summary>
/// <param name="Min">At least 1.</param>
/// <param name="Max">At least <paramref name="Min"/>.</param>
public sealed record ReplicaRange(int Min, int Max);
