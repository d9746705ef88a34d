using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Nodes;

/// <summary>A server's routes for nodes.</summary>
sealed class NodesClient(ServerClient server)
{
    private const string Root = "/formation/v1";

    public async Task<IReadOnlyList<NodeView>> ListAsync(CancellationToken cancellationToken) =>
        ServerAnswer.Read((await server.SendAsync(HttpMethod.Get, $"{Root}/nodes", null, cancellationToken))["data"], NodesWireJson.Default.IReadOnlyListNodeView);

    public async Task<IReadOnlyList<NodeEventView>> EventsAsync(CancellationToken cancellationToken) =>
        ServerAnswer.Read((await server.SendAsync(HttpMethod.Get, $"{Root}/events", null, cancellationToken))["data"], NodesWireJson.Default.IReadOnlyListNodeEventView);

    public async Task<IReadOnlyList<GatewayView>> GatewaysAsync(CancellationToken cancellationToken) =>
        ServerAnswer.Read((await server.SendAsync(HttpMethod.Get, $"{Root}/gateways", null, cancellationToken))["data"], NodesWireJson.Default.IReadOnlyListGatewayView);

    public Task<NodeView> FindAsync(string name, CancellationToken cancellationToken) => NodeAsync(HttpMethod.Get, Path(name), cancellationToken);

    public Task<NodeView> DrainAsync(string name, CancellationToken cancellationToken) => NodeAsync(HttpMethod.Post, $"{Path(name)}/drain", cancellationToken);

    public Task<NodeView> ResumeAsync(string name, CancellationToken cancellationToken) => NodeAsync(HttpMethod.Post, $"{Path(name)}/resume", cancellationToken);

    public Task RemoveAsync(string name, CancellationToken cancellationToken) => server.SendAsync(HttpMethod.Delete, Path(name), null, cancellationToken);

    public async Task<JoinTokenView> CreateTokenAsync(JsonObject terms, CancellationToken cancellationToken) =>
        ServerAnswer.Read(await server.SendAsync(HttpMethod.Post, $"{Root}/nodes/tokens", terms, cancellationToken), NodesWireJson.Default.JoinTokenView);

    private async Task<NodeView> NodeAsync(HttpMethod method, string path, CancellationToken cancellationToken) =>
        ServerAnswer.Read(await server.SendAsync(method, path, null, cancellationToken), NodesWireJson.Default.NodeView);

    private static string Path(string name) => $"{Root}/nodes/{Uri.EscapeDataString(name)}";
}

/// <summary>A node, as the server describes it and as <c>--json</c> shows it.</summary>
sealed record NodeView(
    string Name,
    string Pin,
    string State,
    string Reason,
    DateTimeOffset Since,
    bool Draining,
    bool Trusted,
    string Region,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Joined,
    DateTimeOffset? LastSeen,
    string? Version,
    long? MemoryBytes,
    long? FreeMemoryBytes,
    IReadOnlyList<DeviceView> Devices,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<LinkView> Links);

/// <summary>Something that computes there.</summary>
sealed record DeviceView(string Name, string InstructionSet, int Threads, double ReadBytesPerSecond, double MultiplyAddsPerSecond);

/// <summary>Its way to another node.</summary>
sealed record LinkView(string Peer, double RoundTripMilliseconds, double BytesPerSecond, bool Relayed);

/// <summary>A gateway of the network.</summary>
sealed record GatewayView(string Pin, IReadOnlyList<string> Urls, DateTimeOffset LastSeen, bool Answering, bool Deciding);

/// <summary>What happened to a node.</summary>
sealed record NodeEventView(DateTimeOffset Time, string Node, string Kind, string Reason);

/// <summary>A new join token.</summary>
sealed record JoinTokenView(string Token, string Gateway, DateTimeOffset Expires, bool ReachableFromOutside);

/// <summary>What <c>form node token create --json</c> shows.</summary>
/// <param name="Token">The token.</param>
/// <param name="Gateway">The URL for the node to dial.</param>
/// <param name="Expires">From when on the token is refused.</param>
/// <param name="Command">What to run on the new machine.</param>
sealed record InvitationView(string Token, string Gateway, DateTimeOffset Expires, string Command);

/// <summary>As the server writes it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(IReadOnlyList<NodeView>))]
[JsonSerializable(typeof(IReadOnlyList<NodeEventView>))]
[JsonSerializable(typeof(IReadOnlyList<GatewayView>))]
[JsonSerializable(typeof(JoinTokenView))]
sealed partial class NodesWireJson : JsonSerializerContext;

/// <summary>As the command line shows it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<NodeView>))]
[JsonSerializable(typeof(IReadOnlyList<NodeEventView>))]
[JsonSerializable(typeof(IReadOnlyList<GatewayView>))]
[JsonSerializable(typeof(InvitationView))]
sealed partial class NodesOutputJson : JsonSerializerContext;
