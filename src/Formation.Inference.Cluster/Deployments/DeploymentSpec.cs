using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>What an operator asks of a deployment.</summary>
public sealed record DeploymentSpec
{
    /// <summary>Sequences promised at once where the operator says nothing.</summary>
    public const int DefaultConcurrency = 4;

    /// <summary>The id of the model, and that under which it is served.</summary>
    public required string ModelId { get; init; }

    /// <summary>How keys and values are stored.</summary>
    public string KvFormat { get; init; } = "f16";

    /// <summary>Where it may run, and what it promises.</summary>
    public required PlacementRequest Placement { get; init; }

    /// <summary>Between which numbers demand moves its replicas, the first of which <see cref="Placement"/> asks for; null where their number stays.</summary>
    public ReplicaRange? Replicas { get; init; }

    /// <summary>How long nobody may ask anything before its workers are ended; zero for ever.</summary>
    public TimeSpan IdleAfter { get; init; }
}

/// <summary>A model as the gateway has it.</summary>
/// <param name="Digest">64 lower-case hexadecimal digits.</param>
/// <param name="Path">The file, on the gateway.</param>
/// <param name="Created">When it was last written.</param>
/// <param name="Shape">What placement has to know of it.</param>
public sealed record DeployedModel(string Digest, string Path, DateTimeOffset Created, ModelShape Shape)
{
    /// <summary>What it can do; null of one that was deployed before that was noted.</summary>
    public ModelAbilities? Abilities { get; init; }
}
