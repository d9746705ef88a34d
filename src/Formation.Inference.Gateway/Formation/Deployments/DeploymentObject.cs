namespace Formation.Inference.Gateway.Formation.Deployments;

/// <summary>A deployment as it is now.</summary>
/// <param name="Object">Always <c>deployment</c>.</param>
/// <param name="Model">The model, and the id under which it is served.</param>
/// <param name="State"><c>waiting</c>, <c>idle</c>, <c>loading</c>, <c>degraded</c> or <c>ready</c>.</param>
/// <param name="Reason">What is missing, in words; empty where nothing is.</param>
/// <param name="Created">When it was first deployed.</param>
/// <param name="Progress">0 to 1 while it loads.</param>
/// <param name="Replicas">Its replicas.</param>
/// <param name="Standbys">Workers that wait for a lost one's place.</param>
/// <param name="LeastReplicas">Replicas at least, where demand moves their number, or null.</param>
/// <param name="MostReplicas">Replicas at most, where demand moves their number, or null.</param>
/// <param name="IdleSeconds">How long nobody may ask anything before its workers are ended; 0 for ever.</param>
/// <param name="Change">What is being changed to adapt it to demand and speed, and why; empty where nothing is.</param>
internal sealed record DeploymentObject(
    string Object,
    string Model,
    string State,
    string Reason,
    DateTimeOffset Created,
    double Progress,
    IReadOnlyList<ReplicaObject> Replicas,
    IReadOnlyList<WorkerObject> Standbys,
    int? LeastReplicas,
    int? MostReplicas,
    long IdleSeconds,
    string Change)
{
    internal static DeploymentObject From(DeploymentDescription deployment) => new(
        "deployment",
        deployment.ModelId,
        deployment.State.ToString().ToLowerInvariant(),
        deployment.Reason,
        deployment.Created,
        Math.Round(deployment.Progress, 3),
        [.. deployment.Replicas.Select(ReplicaObject.From)],
        [.. deployment.Standbys.Select(WorkerObject.From)],
        deployment.LeastReplicas,
        deployment.MostReplicas,
        (long)deployment.IdleAfter.TotalSeconds,
        deployment.Change);
}

/// <summary>A copy of the model.</summary>
/// <param name="Id">Which.</param>
/// <param name="Ready">Whether it takes requests.</param>
/// <param name="Sequences">Sequences that it runs at once.</param>
/// <param name="RunningRequests">Requests that it works on.</param>
/// <param name="PredictedTokensPerSecond">Of a single stream, as planned.</param>
/// <param name="MeasuredTokensPerSecond">Of a single stream, as last measured, or null.</param>
/// <param name="PredictedTokensPerSecondTogether">Of all promised streams, as planned.</param>
/// <param name="MeasuredTokensPerSecondTogether">Of the streams that ran together last, or null.</param>
/// <param name="Recoveries">Stages that were replaced since its head runs.</param>
/// <param name="LongestPauseSeconds">The longest pause of these.</param>
/// <param name="Workers">Its workers, in the order of the layers.</param>
/// <param name="Retiring">Whether it takes no new requests and ends with its last stream.</param>
internal sealed record ReplicaObject(
    string Id,
    bool Ready,
    int Sequences,
    int RunningRequests,
    double PredictedTokensPerSecond,
    double? MeasuredTokensPerSecond,
    double PredictedTokensPerSecondTogether,
    double? MeasuredTokensPerSecondTogether,
    int Recoveries,
    double LongestPauseSeconds,
    IReadOnlyList<WorkerObject> Workers,
    bool Retiring)
{
    internal static ReplicaObject From(ReplicaDescription replica) => new(
        replica.Id,
        replica.IsReady,
        replica.Sequences,
        replica.RunningRequests,
        Math.Round(replica.PredictedOneStream, 2),
        replica.MeasuredOneStream > 0 ? replica.MeasuredOneStream : null,
        Math.Round(replica.PredictedAllStreams, 2),
        replica.MeasuredAllStreams > 0 ? replica.MeasuredAllStreams : null,
        replica.Recoveries,
        replica.LongestPause.TotalSeconds,
        [.. replica.Workers.Select(WorkerObject.From)],
        replica.IsRetiring);
}

/// <summary>A worker: the process that runs a part of the model on a node.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Role"><c>head</c>, <c>stage</c> or <c>standby</c>.</param>
/// <param name="FirstLayer">The first of its layers.</param>
/// <param name="Layers">How many it has.</param>
/// <param name="State"><c>ordered</c>, <c>fetching</c>, <c>starting</c>, <c>loading</c>, <c>waiting</c>, <c>ready</c>, <c>failed</c> or <c>unknown</c>.</param>
/// <param name="Progress">The share that is done of what it does now, 0 to 1.</param>
/// <param name="Reason">What is to be said of that; may be empty.</param>
/// <param name="MemoryBytes">What it takes of the node's memory.</param>
/// <param name="FetchedBytes">Bytes of weights that came over the network for it.</param>
internal sealed record WorkerObject(
    string Node, string Role, int FirstLayer, int Layers, string State, double Progress, string Reason, long MemoryBytes, long FetchedBytes)
{
    internal static WorkerObject From(WorkerDescription worker) => new(
        worker.Node, worker.Role, worker.FirstLayer, worker.LayerCount, worker.State, Math.Round(worker.Progress, 3), worker.Reason, worker.MemoryBytes,
        worker.FetchedBytes);
}

/// <summary>The deployments.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">Ordered by model.</param>
internal sealed record DeploymentList(string Object, IReadOnlyList<DeploymentObject> Data);

/// <summary>That a deployment has ended.</summary>
/// <param name="Object">Always <c>deployment</c>.</param>
/// <param name="Model">Which.</param>
/// <param name="Removed">Always true.</param>
internal sealed record DeploymentRemoved(string Object, string Model, bool Removed);
