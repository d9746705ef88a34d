using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Deployments;

/// <summary>A server's routes for deployments.</summary>
sealed class DeploymentsClient(ServerClient server)
{
    private const string Root = "/formation/v1/deployments";

    public async Task<IReadOnlyList<DeploymentView>> ListAsync(CancellationToken cancellationToken) => ServerAnswer.Read(
        (await server.SendAsync(HttpMethod.Get, Root, null, cancellationToken))["data"], DeploymentsWireJson.Default.IReadOnlyListDeploymentView);

    public async Task<DeploymentView> FindAsync(string model, CancellationToken cancellationToken) => ServerAnswer.Read(
        await server.SendAsync(HttpMethod.Get, Path(model), null, cancellationToken), DeploymentsWireJson.Default.DeploymentView);

    public async Task<DeploymentView> DeployAsync(string model, JsonObject terms, CancellationToken cancellationToken) => ServerAnswer.Read(
        await server.SendAsync(HttpMethod.Put, Path(model), terms, cancellationToken), DeploymentsWireJson.Default.DeploymentView);

    public Task UndeployAsync(string model, CancellationToken cancellationToken) => server.SendAsync(HttpMethod.Delete, Path(model), null, cancellationToken);

    private static string Path(string model) => $"{Root}/{Uri.EscapeDataString(model)}";
}

/// <summary>A deployment, as the server describes it and as <c>--json</c> shows it.</summary>
sealed record DeploymentView(
    string Model,
    string State,
    string Reason,
    DateTimeOffset Created,
    double Progress,
    IReadOnlyList<ReplicaView> Replicas,
    IReadOnlyList<WorkerView> Standbys,
    int? LeastReplicas = null,
    int? MostReplicas = null,
    long IdleSeconds = 0,
    string Change = "");

/// <summary>A copy of the model.</summary>
sealed record ReplicaView(
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
    IReadOnlyList<WorkerView> Workers,
    bool Retiring = false);

/// <summary>A worker.</summary>
sealed record WorkerView(
    string Node, string Role, int FirstLayer, int Layers, string State, double Progress, string Reason, long MemoryBytes, long FetchedBytes);

/// <summary>As the server writes it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(IReadOnlyList<DeploymentView>))]
[JsonSerializable(typeof(DeploymentView))]
sealed partial class DeploymentsWireJson : JsonSerializerContext;

/// <summary>As the command line shows it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<DeploymentView>))]
[JsonSerializable(typeof(DeploymentView))]
sealed partial class DeploymentsOutputJson : JsonSerializerContext;
