using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>A worker that was given to a node.</summary>
/// <param name="Id">Which worker; a new one each time that something is given to a node.</param>
/// <param name="Node">Name of the node.</param>
/// <param name="Role">What it is for.</param>
/// <param name="Layers">What it computes; none for a standby.</param>
/// <param name="MemoryBytes">What it takes of the node's memory.</param>
public sealed record WorkerAssignment(string Id, string Node, WorkerRole Role, LayerSpan Layers, long MemoryBytes)
{
    /// <summary>The worker whose place it takes as soon as it can, or null.</summary>
    public string? Replaces { get; init; }

    /// <summary>Which of those that share each layer it is; 0 for the head, and where it computes its layers alone.</summary>
    public int Rank { get; init; }

    /// <summary>How many share each layer; 1 where it computes its layers alone.</summary>
    public int Members { get; init; } = 1;

    /// <summary>Whether its replacement is ready, and it is to hand over.</summary>
    public bool IsLeaving { get; init; }
}

/// <summary>A copy of the model, on several nodes.</summary>
/// <param name="Id">Which; in the names of its stages' sessions.</param>
/// <param name="Sequences">Sequences that it runs at once.</param>
/// <param name="KvBlocks">KV blocks of each worker.</param>
/// <param name="Predicted">How fast it should be.</param>
/// <param name="Workers">In the order of the layers; where one takes another's place, both.</param>
public sealed record ReplicaAssignment(
    string Id, int Sequences, int KvBlocks, SpeedPrediction Predicted, IReadOnlyList<WorkerAssignment> Workers)
{
    /// <summary>Since when it takes no new requests, because it is not needed any more; null while it is.</summary>
    public DateTimeOffset? Retiring { get; init; }

    /// <summary>The replica whose place it takes as soon as it can, or null.</summary>
    public string? Replaces { get; init; }

    /// <summary>The worker that leads it: of two, the one that is not leaving, and before it has to, the old one.</summary>
    public WorkerAssignment? Head => Workers
        .Where(worker => worker.Role == WorkerRole.Head)
        .OrderBy(worker => worker.IsLeaving)
        .ThenBy(worker => worker.Replaces is not null)
        .FirstOrDefault();

    /// <summary>Whether some of its workers share each of their layers.</summary>
    public bool HasGroup => Workers.Any(worker => worker.Members > 1);

    /// <summary>The same with a worker in the place of the one with its id, or added.</summary>
    public ReplicaAssignment With(WorkerAssignment worker) => Workers.Any(other => other.Id == worker.Id)
        ? this with { Workers = [.. Workers.Select(other => other.Id == worker.Id ? worker : other)] }
        : this with { Workers = InOrder(Workers.Append(worker)) };

    /// <summary>The same without a worker.</summary>
    public ReplicaAssignment Without(WorkerAssignment worker) => this with { Workers = [.. Workers.Where(other => other.Id != worker.Id)] };

    /// <summary>The same with other workers in one's place.</summary>
    public ReplicaAssignment Replace(WorkerAssignment worker, IEnumerable<WorkerAssignment> others) =>
        this with { Workers = InOrder(Workers.Where(other => other.Id != worker.Id).Concat(others)) };

    private static IReadOnlyList<WorkerAssignment> InOrder(IEnumerable<WorkerAssignment> workers) => [.. workers.OrderBy(worker => worker.Layers.First)];
}
