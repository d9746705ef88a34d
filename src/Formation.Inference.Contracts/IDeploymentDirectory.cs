namespace Formation.Inference;

/// <summary>The models that nodes serve together, and what an operator can do with them. Safe to call from any thread; never waits for a node.</summary>
public interface IDeploymentDirectory
{
    /// <summary>All deployments, ordered by model (ordinal).</summary>
    IReadOnlyList<DeploymentDescription> List();

    /// <summary>The deployment of this model, or null.</summary>
    DeploymentDescription? Find(string modelId);

    /// <summary>Deploys a model, or deploys it anew where the terms are others than before. It goes on when the caller has left.</summary>
    /// <param name="terms">What is asked for.</param>
    /// <param name="cancellationToken">Ends the reading of the model's file; nothing is deployed then.</param>
    Task<DeploymentOutcome> DeployAsync(DeploymentTerms terms, CancellationToken cancellationToken);

    /// <summary>Ends a deployment. False where there is none.</summary>
    bool Undeploy(string modelId);
}

/// <summary>What an operator asks of a deployment; null takes the default.</summary>
/// <param name="ModelId">A model that this server knows.</param>
public sealed record DeploymentTerms(string ModelId)
{
    /// <summary>Positions promised to each sequence.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Sequences promised at once.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Stages of a replica; null for the fastest number.</summary>
    public int? Stages { get; init; }

    /// <summary>Nodes of one site that compute all layers of a replica together, a share of each; null for none.</summary>
    public int? TensorParallel { get; init; }

    /// <summary>Whether <see cref="TensorParallel"/> is whatever number is fastest, none included.</summary>
    public bool AnyTensorParallel { get; init; }

    /// <summary>Replicas; null for the fastest number.</summary>
    public int? Replicas { get; init; }

    /// <summary>Replicas at most, where demand is to move their number from <see cref="Replicas"/> on; null where it stays.</summary>
    public int? MostReplicas { get; init; }

    /// <summary>How long nobody may ask anything before its workers are ended until the next request; zero for ever.</summary>
    public TimeSpan IdleAfter { get; init; }

    /// <summary>Nodes kept ready for a lost stage.</summary>
    public int Spares { get; init; }

    /// <summary>Layers given to nodes by hand.</summary>
    public IReadOnlyList<LayerPin> Pins { get; init; } = [];

    /// <summary>Regions in which it may lie; empty for all.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>Labels that each node must have.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Whether only nodes of trusted operators count.</summary>
    public bool TrustedOnly { get; init; }

    /// <summary>How keys and values are stored: <c>f16</c> or <c>q8_0</c>.</summary>
    public string KvFormat { get; init; } = "f16";

    /// <summary>How activations cross links: <c>f32</c>, <c>bf16</c> or <c>q8</c>.</summary>
    public string LinkPrecision { get; init; } = "f32";
}

/// <summary>Layers given to a node.</summary>
/// <param name="Node">Its name.</param>
/// <param name="First">The first layer.</param>
/// <param name="Last">The last layer.</param>
public sealed record LayerPin(string Node, int First, int Last);

/// <summary>How asking for a deployment ended.</summary>
/// <param name="Deployment">The deployment, or null where it is refused.</param>
/// <param name="Refusal">Why it is refused, in words, or null.</param>
/// <param name="Parameter">The part of the terms that is at fault, named as in <see cref="DeploymentTerms"/>, or null.</param>
public sealed record DeploymentOutcome(DeploymentDescription? Deployment, string? Refusal = null, string? Parameter = null);

/// <summary>A deployment as it is now.</summary>
/// <param name="ModelId">The model, and the id under which it is served.</param>
/// <param name="State">Whether it serves.</param>
/// <param name="Reason">What is missing, in words; empty where nothing is.</param>
/// <param name="Created">When it was first deployed.</param>
/// <param name="Progress">0 to 1 while it loads.</param>
/// <param name="Replicas">Its replicas.</param>
/// <param name="Standbys">Workers that wait for a lost one's place.</param>
public sealed record DeploymentDescription(
    string ModelId,
    DeploymentState State,
    string Reason,
    DateTimeOffset Created,
    double Progress,
    IReadOnlyList<ReplicaDescription> Replicas,
    IReadOnlyList<WorkerDescription> Standbys)
{
    /// <summary>Replicas at least, where demand moves their number; else null.</summary>
    public int? LeastReplicas { get; init; }

    /// <summary>Replicas at most, where demand moves their number; else null.</summary>
    public int? MostReplicas { get; init; }

    /// <summary>How long nobody may ask anything before its workers are ended; zero for ever.</summary>
    public TimeSpan IdleAfter { get; init; }

    /// <summary>What is being changed to adapt it to demand and speed, and why, in words; empty where nothing is.</summary>
    public string Change { get; init; } = "";
}

/// <summary>Whether a deployment serves.</summary>
public enum DeploymentState
{
    /// <summary>No nodes have room for it now.</summary>
    Waiting,

    /// <summary>Nobody asked for it for a while: no node runs it, and the next request has it loaded again.</summary>
    Idle,

    /// <summary>Nodes fetch and load their parts.</summary>
    Loading,

    /// <summary>It serves, and a part of it is missing or being replaced.</summary>
    Degraded,

    /// <summary>It serves, as it was asked for.</summary>
    Ready,
}

/// <summary>A copy of the model.</summary>
/// <param name="Id">Which.</param>
/// <param name="IsReady">Whether it takes requests.</param>
/// <param name="Sequences">Sequences that it runs at once.</param>
/// <param name="PredictedOneStream">Tokens a second of a single stream, as planned.</param>
/// <param name="PredictedAllStreams">Tokens a second of all promised streams, as planned.</param>
/// <param name="MeasuredOneStream">The newest measured rate of a single stream; 0 before there was one.</param>
/// <param name="MeasuredAllStreams">The newest measured rate of what ran together; 0 before there was any.</param>
/// <param name="RunningRequests">Requests that it works on.</param>
/// <param name="Recoveries">Stages that were replaced since its head runs.</param>
/// <param name="LongestPause">The longest pause of these.</param>
/// <param name="Workers">Its workers, in the order of the layers.</param>
public sealed record ReplicaDescription(
    string Id,
    bool IsReady,
    int Sequences,
    double PredictedOneStream,
    double PredictedAllStreams,
    double MeasuredOneStream,
    double MeasuredAllStreams,
    int RunningRequests,
    int Recoveries,
    TimeSpan LongestPause,
    IReadOnlyList<WorkerDescription> Workers)
{
    /// <summary>Whether it takes no new requests and ends with its last stream.</summary>
    public bool IsRetiring { get; init; }
}

/// <summary>A worker: the isolated process that runs a part of a model on a node.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Role"><c>head</c>, <c>stage</c> or <c>standby</c>.</param>
/// <param name="FirstLayer">The first of its layers.</param>
/// <param name="LayerCount">How many it has.</param>
/// <param name="State">How far it is, in one word.</param>
/// <param name="Progress">The share that is done of what it does now, 0 to 1.</param>
/// <param name="Reason">What is to be said of that; may be empty.</param>
/// <param name="MemoryBytes">What it takes of the node's memory.</param>
/// <param name="FetchedBytes">Bytes of weights that came over the network for it.</param>
public sealed record WorkerDescription(
    string Node, string Role, int FirstLayer, int LayerCount, string State, double Progress, string Reason, long MemoryBytes, long FetchedBytes);
