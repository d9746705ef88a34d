using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Hosting;

/// <summary>What a gateway knows and decides of nodes, wired up: alone, or with others on the same database.</summary>
sealed class GatewayParts : IAsyncDisposable
{
    private readonly ControlPlaneOptions _options;
    private readonly LeaderElection? _election;
    private readonly GatewayStore? _gateways;
    private StoreChanges? _changes;
    private GatewaySync? _sync;

    private GatewayParts(ControlPlaneOptions options, KeyPin own)
    {
        _options = options;
        Registry = new NodeRegistry(
            NodeStore.Open(options.Database), [new KnownGateway(own, [])], options.Registry with { IsShared = options.IsShared }, options.Clock);
        _election = options.IsShared ? new LeaderElection(Leadership.Open(options.Database), own, options.Clock) : null;
        _gateways = options.IsShared ? GatewayStore.Open(options.Database) : null;
        ILeadership leadership = _election is null ? new SoleGateway(own) : _election;
        Decisions = DecisionLog.Open(options.Database);
        Gateways = new GatewayDirectory(Registry, _gateways, leadership, options.Clock);
        Controller = new DeploymentController(
            Registry, DeploymentStore.Open(options.Database), leadership, Decisions, new FastestPlacement(), new ReconcilerOptions { Adapt = options.Adapt }, options.Clock);
    }

    public NodeRegistry Registry { get; }

    public DeploymentController Controller { get; }

    /// <summary>What was decided, in words.</summary>
    public DecisionLog Decisions { get; }

    public GatewayDirectory Gateways { get; }

    /// <exception cref="InvalidDataException">What was decided is damaged.</exception>
    /// <exception cref="Storage.StorageException">The database does not answer.</exception>
    public static GatewayParts Open(ControlPlaneOptions options, KeyPin own) => new(options, own);

    /// <summary>Nodes can come: says so to the other gateways, and keeps up with them from here on.</summary>
    /// <param name="own">This gateway.</param>
    public void Announce(KnownGateway own)
    {
        if (_gateways is null)
            return;
        _changes = new StoreChanges(_options.Database, _options.Clock);
        _sync = new GatewaySync(own, _gateways, _changes, Registry, Controller, _options.Clock);
        _changes.Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (_sync is not null)
            await _sync.DisposeAsync();
        if (_changes is not null)
            await _changes.DisposeAsync();
        await Controller.DisposeAsync();
        // Another gateway decides at once, while the nodes are still told that this one goes.
        if (_election is not null)
            await _election.DisposeAsync();
        Registry.Dispose();
    }
}
