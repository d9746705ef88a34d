using System.Net;
using System.Net.Security;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Relays;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Relays;
using Formation.Inference.Storage;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Hosting;

/// <summary>
/// The gateway's side for nodes: the registry, and a listener of its own beside the one for clients, with TLS 1.3 and certificates on both
/// sides. What a node sends never meets the code that serves clients.
/// </summary>
sealed class ControlPlane : IAsyncDisposable
{
    private const int MaximumConnections = 2048;

    private static readonly SslApplicationProtocol Relayed = new(RelayProtocol.Name);

    private readonly WebApplication _app;
    private readonly NodeIdentity _identity;
    private readonly HeadClient _heads;
    private readonly RoutingMetrics _routingMetrics = new();
    private readonly DeploymentMetrics _deploymentMetrics;
    private readonly RelayService _relay;
    private readonly RelayMetrics _relayMetrics;

    private ControlPlane(
        WebApplication app, NodeIdentity identity, NodeRegistry registry, DeploymentController controller, ReadModel readModel, ControlEndpoint endpoint,
        RelayService relay, RelayMetrics relayMetrics, TimeProvider clock)
    {
        _app = app;
        _identity = identity;
        Registry = registry;
        Endpoint = endpoint;
        Controller = controller;
        Replicas = new DeployedReplicas(controller);
        (_relay, _relayMetrics) = (relay, relayMetrics);
        _heads = new HeadClient(identity, new HeadClientOptions(), clock, new GatewayRelay(relay, identity.Pin, clock));
        _deploymentMetrics = new DeploymentMetrics(controller);
        Backend = new ClusterBackend(
            Replicas, _heads, new PrefixAffinityPolicy(new Random(Environment.ProcessId)), new ClusterBackendOptions(), _routingMetrics, clock,
            app.Services.GetRequiredService<ILogger<ClusterBackend>>());
        Directory = new NodeDirectory(registry, endpoint);
        Deployments = new DeploymentDirectory(controller, new FastestPlacement(), readModel, ModelLoadOptions.DefaultContextLimit);
    }

    public NodeRegistry Registry { get; }

    public DeploymentController Controller { get; }

    /// <summary>Where requests find what is deployed.</summary>
    public DeployedReplicas Replicas { get; }

    /// <summary>Serves what is deployed.</summary>
    public IInferenceBackend Backend { get; }

    public INodeDirectory Directory { get; }

    public IDeploymentDirectory Deployments { get; }

    /// <summary>Where it listens, with the port as it turned out.</summary>
    public ControlEndpoint Endpoint { get; }

    /// <summary>The gateway's key.</summary>
    public KeyPin Pin => _identity.Pin;

    /// <summary>Opens the registry of a database and listens for nodes.</summary>
    /// <param name="listen">Where.</param>
    /// <param name="dataFolder">The gateway's key lies there.</param>
    /// <param name="database">What was decided about nodes and deployments; it stays the caller's.</param>
    /// <param name="options">Times.</param>
    /// <param name="readModel">Finds the models that can be deployed.</param>
    /// <param name="clock">The clock of leases, tokens and certificates.</param>
    /// <param name="configureLogging">Where the listener logs.</param>
    /// <param name="findModel">The model of a digest whose weights nodes may fetch, or null where there is none; where left out, there are none at all.</param>
    /// <exception cref="IOException">The address is taken, or the folder can't be written.</exception>
    /// <exception cref="InvalidDataException">The key or the registry is damaged.</exception>
    /// <exception cref="StorageException">The database fails.</exception>
    public static async Task<ControlPlane> StartAsync(
        IPEndPoint listen, string dataFolder, Database database, NodeRegistryOptions options, ReadModel readModel, TimeProvider clock, Action<ILoggingBuilder> configureLogging,
        Func<string, IServedModel?>? findModel = null)
    {
        var identity = NodeIdentity.LoadOrCreate(Path.Combine(dataFolder, "gateway.pem"), clock);
        var registry = new NodeRegistry(NodeStore.Open(database), [new KnownGateway(identity.Pin, [])], options, clock);
        var controller = new DeploymentController(registry, DeploymentStore.Open(database), new FastestPlacement(), new ReconcilerOptions(), clock);
        var weights = new WeightService(registry, findModel ?? (_ => null), PeerOf, clock);
        var relayMetrics = new RelayMetrics();
        var relay = new RelayService(registry, new RelayOptions(), relayMetrics, clock);
        var app = Build(listen, identity, new NodeControlService(registry, PeerOf, clock), weights, relay, clock, configureLogging);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await controller.DisposeAsync();
            relay.Dispose();
            relayMetrics.Dispose();
            registry.Dispose();
            await app.DisposeAsync();
            identity.Dispose();
            throw;
        }
        var port = new Uri(app.Urls.First()).Port;
        return new ControlPlane(
            app, identity, registry, controller, readModel, new ControlEndpoint(listen.Address, port, LocalAddresses.OfThisMachine(listen.AddressFamily)), relay, relayMetrics, clock);
    }

    public async ValueTask DisposeAsync()
    {
        // The nodes are told first; what they still do on their connections is no reason to wait.
        await _heads.DisposeAsync();
        _deploymentMetrics.Dispose();
        _routingMetrics.Dispose();
        await Controller.DisposeAsync();
        Registry.Dispose();
        _relay.Dispose();
        _relayMetrics.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
        _identity.Dispose();
    }

    private static WebApplication Build(
        IPEndPoint listen, NodeIdentity identity, NodeControlService service, WeightService weights, RelayService relay, TimeProvider clock,
        Action<ILoggingBuilder> configureLogging)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        configureLogging(builder.Logging);
        builder.Services.AddSingleton(service);
        // Made by the container, so that it is disposed with it.
        builder.Services.AddSingleton(_ => weights);
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = ControlLimits.GatewayMessageBytes);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaximumConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 8;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            // A connection on which nothing is called belongs to nobody that was let in.
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(15);
            kestrel.Listen(listen, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                endpoint.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = TimeSpan.FromSeconds(5),
                    // Any key of our kind gets through to where a refusal can say why; what it may call there, the service decides.
                    OnConnection = _ => ValueTask.FromResult(PinnedTls.Server(identity, PeerCheck.Anyone(clock), SslApplicationProtocol.Http2, Relayed)),
                });
                endpoint.Use(next => connection => IsRelayed(connection) ? RelayAsync(relay, connection) : next(connection));
            });
        });
        var app = builder.Build();
        app.MapGrpcService<NodeControlService>();
        app.MapGrpcService<WeightService>();
        return app;
    }

    private static bool IsRelayed(ConnectionContext connection) =>
        connection.Features.Get<ISslStreamFeature>()?.SslStream.NegotiatedApplicationProtocol == Relayed;

    // Behind TLS, and in front of everything that speaks HTTP.
    private static Task RelayAsync(RelayService relay, ConnectionContext connection)
    {
        if (connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is not { } certificate)
            return Task.CompletedTask;
        var end = new RelayEnd(KeyPin.Of(certificate), connection.Transport.Input, connection.Transport.Output, connection.Abort);
        return relay.ServeAsync(end, connection.ConnectionClosed);
    }

    private static ControlPeer PeerOf(ServerCallContext call)
    {
        var context = call.GetHttpContext();
        var certificate = context.Connection.ClientCertificate
            ?? throw Refusals.ToException(new Refusal(RefusalReason.UnknownCertificate, "The call came without a certificate."));
        var address = context.Connection.RemoteIpAddress is { } ip ? new IPEndPoint(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip, context.Connection.RemotePort) : null;
        // Taken now: it belongs to the connection and outlives the call.
        var connection = context.Features.GetRequiredFeature<IConnectionLifetimeFeature>();
        return new ControlPeer(KeyPin.Of(certificate), address?.ToString() ?? "unknown", connection.Abort);
    }
}
