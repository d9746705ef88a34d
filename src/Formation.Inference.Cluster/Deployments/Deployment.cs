namespace Formation.Inference.Cluster.Deployments;

/// <summary>What was decided about a model that nodes serve. It is on disk; how its workers are, the nodes say.</summary>
/// <param name="Spec">What the operator asked for.</param>
/// <param name="Model">The model.</param>
/// <param name="Created">When it was first deployed.</param>
public sealed record Deployment(DeploymentSpec Spec, DeployedModel Model, DateTimeOffset Created)
{
    /// <summary>Its replicas; none before there is room.</summary>
    public IReadOnlyList<ReplicaAssignment> Replicas { get; init; } = [];

    /// <summary>Workers that wait to take a lost one's place.</summary>
    public IReadOnlyList<WorkerAssignment> Standbys { get; init; } = [];

    /// <summary>What is missing for it to be whole, in words, or empty.</summary>
    public string Waiting { get; init; } = "";

    /// <summary>Since when its workers are ended because nobody asked anything; null while it is awake.</summary>
    public DateTimeOffset? Asleep { get; init; }

    /// <summary>When layers of it were moved last to be faster; null where they never were.</summary>
    public DateTimeOffset? Moved { get; init; }

    /// <summary>What is being changed to adapt it, and why, in words; null where nothing is.</summary>
    public string? Change { get; init; }

    public string ModelId => Spec.ModelId;

    /// <summary>The replica with this id.</summary>
    public ReplicaAssignment Replica(string id) => Replicas.First(replica => replica.Id == id);

    /// <summary>The same with a replica in the place of the one with its id, or added.</summary>
    public Deployment With(ReplicaAssignment replica) => this with
    {
        Replicas = Replicas.Any(other => other.Id == replica.Id)
            ? [.. Replicas.Select(other => other.Id == replica.Id ? replica : other)]
            : [.. Replicas, replica],
    };

    /// <summary>The same without a replica.</summary>
    public Deployment Without(ReplicaAssignment replica) => this with { Replicas = [.. Replicas.Where(other => other.Id != replica.Id)] };

    /// <summary>All that nodes are to run for it.</summary>
    public IEnumerable<WorkerAssignment> Workers => Replicas.SelectMany(replica => replica.Workers).Concat(Standbys);
}
