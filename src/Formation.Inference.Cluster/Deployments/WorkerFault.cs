namespace Formation.Inference.Cluster.Deployments;

/// <summary>Why a worker needs another one in its place.</summary>
/// <param name="Reason">In words, as a sentence's second half.</param>
/// <param name="MayRestart">Whether the same node may try again.</param>
internal readonly record struct WorkerFault(string Reason, bool MayRestart);
