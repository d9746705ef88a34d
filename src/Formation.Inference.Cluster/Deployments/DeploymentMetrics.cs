using System.Diagnostics.Metrics;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// What the nodes say of deployments, as metrics of the gateway: tagged with <c>model_name</c>, and where it applies with the <c>node</c> and its
/// <c>layers</c>. They are read when they are scraped; no token passes here.
/// </summary>
public sealed class DeploymentMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Formation.Inference.Cluster";

    private readonly Meter _meter = new(Name);
    private readonly DeploymentController _controller;

    public DeploymentMetrics(DeploymentController controller)
    {
        _controller = controller;
        OfReplicas("formation.replica_ready", "Whether a replica takes requests, 1 or 0.", null, replica => replica.IsReady ? 1 : 0);
        OfReplicas(
            "formation.replica_predicted_tokens_per_second", "Tokens a second of a single stream, as planned.", null,
            replica => replica.Assignment.Predicted.OneStream);
        OfReplicas(
            "formation.replica_measured_tokens_per_second", "Tokens a second of a single stream, as last measured; 0 before.", null,
            replica => replica.Head?.Report?.Figures.OneStreamTokensPerSecond ?? 0);
        OfReplicas("formation.replica_requests_running", "Requests that a replica works on.", null, replica => replica.Head?.Report?.Figures.RunningRequests ?? 0);
        OfReplicas(
            "formation.replica_recoveries", "Stages that were replaced since its head runs.", null, replica => replica.Head?.Report?.Figures.Recoveries ?? 0);
        OfWorkers("formation.worker_ready", "Whether a worker works, 1 or 0.", null, worker => worker.Report?.State == WorkerState.Ready ? 1 : 0);
        OfWorkers("formation.worker_memory", "Bytes of its node's memory that a worker was planned to take.", "By", worker => worker.Assignment.MemoryBytes);
        OfWorkers("formation.worker_fetched", "Bytes of weights that came over the network for a worker.", "By", worker => worker.Report?.FetchedBytes ?? 0);
        OfWorkers("formation.stage_rows", "Rows that a stage computed since it runs.", null, worker => worker.Report?.Work.RowsComputed ?? 0);
        OfWorkers("formation.stage_rows_rebuilt", "Rows that a stage computed in a lost one's place.", null, worker => worker.Report?.Work.RowsRebuilt ?? 0);
        OfWorkers("formation.worker_boundary", "Bytes of rows that a worker keeps for a replacement behind it.", "By", worker => worker.Report?.Work.BoundaryBytes ?? 0);
        OfLinks("formation.link_round_trip", "From a head to a stage and back, as last measured.", "s", link => link.RoundTrip.TotalSeconds);
        OfLinks("formation.link_sent", "Bytes that a head sent to a stage over the open connection.", "By", link => link.SentBytes);
        OfLinks("formation.link_received", "Bytes that a head got from a stage over the open connection.", "By", link => link.ReceivedBytes);
    }

    public void Dispose() => _meter.Dispose();

    private void OfReplicas(string name, string description, string? unit, Func<ReplicaStatus, double> value) => Gauge(
        name, description, unit, deployment => deployment.Replicas.Select(replica => new Measurement<double>(
            value(replica), new("model_name", deployment.Deployment.ModelId), new("replica", replica.Assignment.Id))));

    private void OfWorkers(string name, string description, string? unit, Func<WorkerStatus, double> value) => Gauge(
        name, description, unit, deployment => deployment.Replicas.SelectMany(replica => replica.Workers).Concat(deployment.Standbys)
            .Select(worker => new Measurement<double>(
                value(worker), new("model_name", deployment.Deployment.ModelId), new("node", worker.Assignment.Node), new("layers", LayersOf(worker)))));

    private void OfLinks(string name, string description, string? unit, Func<WorkerLink, double> value) => Gauge(
        name, description, unit, deployment => deployment.Replicas.SelectMany(replica => LinksOf(deployment, replica, value)));

    private static IEnumerable<Measurement<double>> LinksOf(DeploymentStatus deployment, ReplicaStatus replica, Func<WorkerLink, double> value)
    {
        foreach (var link in replica.Head?.Report?.Links ?? [])
            if (replica.Workers.FirstOrDefault(worker => worker.Assignment.Id == link.Id) is { } stage)
                yield return new Measurement<double>(
                    value(link), new("model_name", deployment.Deployment.ModelId), new("node", replica.Head!.Assignment.Node), new("peer", stage.Assignment.Node),
                    new("layers", LayersOf(stage)));
    }

    private void Gauge(string name, string description, string? unit, Func<DeploymentStatus, IEnumerable<Measurement<double>>> values) =>
        _meter.CreateObservableGauge(name, () => _controller.List().SelectMany(values), unit, description);

    private static string LayersOf(WorkerStatus worker) =>
        worker.Assignment.Layers.Count == 0 ? "standby" : $"{worker.Assignment.Layers.First}-{worker.Assignment.Layers.End - 1}";
}
