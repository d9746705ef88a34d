using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Models;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Peers;
using Formation.Inference.Node.Weights.Store;

namespace Formation.Inference.Node.Weights;

/// <summary>What a node's weights depend on.</summary>
public sealed record NodeWeightsOptions
{
    /// <summary>This node's key; outlives the weights.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>The other nodes, as the gateway names them.</summary>
    public required PeerDirectory Peers { get; init; }

    /// <summary>The gateways that the node knows now.</summary>
    public required Func<IReadOnlyList<KnownGateway>> Gateways { get; init; }

    /// <summary>Reaches peers that can't be dialled, or null.</summary>
    public IRelayDialer? Relays { get; init; }

    /// <summary>Keeps what was fetched.</summary>
    public required WeightStore Store { get; init; }

    /// <summary>Limits of fetching.</summary>
    public FetchOptions Fetch { get; init; } = new();

    /// <summary>Peers that are asked for one model; gateways are asked in any case.</summary>
    public int MaxPeers { get; init; } = 16;

    public required TimeProvider Clock { get; init; }

    /// <summary>Takes lines for people, on any thread.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}

/// <summary>
/// All that a node does about weights: it brings here what its workers need, from its peers and its gateways, and gives its peers what it has.
/// Safe to use from any thread.
/// </summary>
public sealed class NodeWeights : IDisposable
{
    private readonly NodeWeightsOptions _options;
    private readonly WeightFetcher _fetcher;
    private readonly WeightPeerServer _server;

    public NodeWeights(NodeWeightsOptions options)
    {
        _options = options;
        _fetcher = new WeightFetcher(options.Store, options.Fetch, options.Clock, options.Progress);
        _server = new WeightPeerServer(_fetcher.Find, options.Clock);
    }

    /// <summary>All that came over the network since the start.</summary>
    public FetchCounters Received => _fetcher.Total;

    /// <summary>Bytes that went to other nodes since the start.</summary>
    public long BytesSent => _server.BytesSent;

    /// <summary>What the peer listener serves as <see cref="WeightPeerServer.Protocol"/>.</summary>
    public PeerHandler Answers => _server.ServeAsync;

    /// <summary>Makes sure that a part of a model is on this machine.</summary>
    /// <param name="digest">The model.</param>
    /// <param name="part">Which of its weights.</param>
    /// <param name="localPaths">Files of this machine that may be the model.</param>
    /// <inheritdoc cref="WeightFetcher.EnsureAsync"/>
    public async Task<HeldWeights> EnsureAsync(
        string digest, ModelPart part, IReadOnlyList<string> localPaths, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        var peers = PeerSources();
        var gateways = GatewaySources();
        try
        {
            // A gateway that deploys the model has its manifest; peers may have nothing of it.
            var request = new WeightRequest(digest, part) { Sources = [.. gateways, .. peers], LocalPaths = localPaths };
            return await _fetcher.EnsureAsync(request, progress, cancellationToken);
        }
        finally
        {
            peers.ForEach(peer => peer.Dispose());
            gateways.ForEach(gateway => gateway.Dispose());
        }
    }

    public void Dispose() => _server.Dispose();

    private List<PeerChunkSource> PeerSources() =>
    [
        // Those that can be dialled first: what a relay carries, the gateway could send itself.
        .. _options.Peers.All.Where(peer => peer.IsOnline && peer.Addresses.Count > 0)
            .OrderBy(peer => peer.Addresses.Any(PeerAddress.IsDirect) ? 0 : 1).Take(_options.MaxPeers)
            .Select(peer => new PeerChunkSource(_options.Identity, peer, _options.Clock, _options.Relays)),
    ];

    // Each address of a gateway is a source of its own; those that don't answer are left out.
    private List<GatewayChunkSource> GatewaySources() =>
    [
        .. _options.Gateways().SelectMany(gateway => gateway.Urls.Select(
            url => new GatewayChunkSource(_options.Identity, new Uri(url), gateway.Pin, _options.Clock))),
    ];
}
