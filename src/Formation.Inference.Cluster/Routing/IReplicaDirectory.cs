namespace Formation.Inference.Cluster.Routing;

/// <summary>Who serves which model, as far as this gateway knows. Safe to use from any thread; never blocks.</summary>
public interface IReplicaDirectory
{
    /// <summary>Whether <see cref="Find"/> finds a model, without the work of telling how it is.</summary>
    bool IsDeployed(string modelId);

    /// <summary>The replicas of a model, or null where it is not deployed.</summary>
    ReplicaSet? Find(string modelId);

    /// <summary>Has a model loaded again that was put to sleep because nobody asked for it; does nothing where it is awake.</summary>
    void Wake(string modelId);

    /// <summary>
    /// Completes when <see cref="Find"/> answers something else than the set of this version: at once where it does already.
    /// </summary>
    /// <param name="modelId">Which model.</param>
    /// <param name="version">Of the set that the caller has.</param>
    /// <param name="cancellationToken">Ends the wait with <see cref="OperationCanceledException"/>.</param>
    Task WaitForChangeAsync(string modelId, long version, CancellationToken cancellationToken);
}
