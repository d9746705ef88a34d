namespace Formation.Inference.Cluster.Routing;

/// <summary>Chooses who gets a request. Called by one thread at a time.</summary>
public interface IReplicaSelectionPolicy
{
    /// <param name="request">The request.</param>
    /// <param name="candidates">Replicas that can be asked now, at least one.</param>
    /// <returns>Index of the chosen one.</returns>
    int Choose(GenerationRequest request, IReadOnlyList<ReplicaCandidate> candidates);
}

/// <summary>A replica that can be asked.</summary>
/// <param name="Replica">Which.</param>
/// <param name="RequestsInFlight">Requests of this gateway that it works on.</param>
public readonly record struct ReplicaCandidate(Replica Replica, int RequestsInFlight);
