using System.Net;
using System.Net.Security;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
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
    private readonly GatewayParts _parts;
    private readonly HeadClient _heads;
    private readonly RoutingMetrics _routingMetrics = new();
    private readonly DeploymentMetrics _deploymentMetrics;
    private readonly RelayService _relay;
    private readonly RelayMetrics _relayMetrics;

    private ControlPlane(
        WebApplication app, NodeIdentity identity, GatewayParts parts, ControlPlaneOptions options, ControlEndpoint endpoint,
        RelayService relay, RelayMetrics relayMetrics)
    {
        (_app, _identity, _parts) = (app, identity, parts);
        Endpoint = endpoint;
        (_relay, _relayMetrics) = (relay, relayMetrics);
        _heads = new HeadClient(identity, new HeadClientOptions(), options.Clock, new GatewayRelay(relay, identity.Pin, options.Clock));
        Replicas = new DeployedReplicas(Controller, _heads.RoundTripTo);
        _deploymentMetrics = new DeploymentMetrics(Controller);
        Backend = new ClusterBackend(
            Replicas, _heads, new PrefixAffinityPolicy(new Random(Environment.ProcessId)), new ClusterBackendOptions(), _routingMetrics, options.Clock,
            app.Services.GetRequiredService<ILogger<ClusterBackend>>());
        Directory = new NodeDirectory(Registry, parts.Decisions, parts.Gateways, endpoint);
        Deployments = new DeploymentDirectory(Controller, new FastestPlacement(), options.ReadModel, ModelLoadOptions.DefaultContextLimit);
    }

    public NodeRegistry Registry => _parts.Registry;

    public DeploymentController Controller => _parts.Controller;

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

    /// <summary>Opens what was decided before and listens for nodes.</summary>
    /// <exception cref="IOException">The address is taken, or the folder can't be written.</exception>
    /// <exception cref="InvalidDataException">The key or what was decided is damaged.</exception>
    /// <exception cref="StorageException">The database does not answer.</exception>
    public static async Task<ControlPlane> StartAsync(ControlPlaneOptions options)
    {
        var identity = NodeIdentity.LoadOrCreate(Path.Combine(options.DataFolder, "gateway.pem"), options.Clock);
        var parts = GatewayParts.Open(options, identity.Pin);
        var weights = new WeightService(parts.Registry, options.FindModel, PeerOf, options.Clock);
        var relayMetrics = new RelayMetrics();
        var relay = new RelayService(parts.Registry, new RelayOptions(), relayMetrics, options.Clock);
        var app = Build(options, identity, new NodeControlService(parts.Registry, PeerOf, options.Clock), weights, relay);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await parts.DisposeAsync();
            relay.Dispose();
            relayMetrics.Dispose();
            await app.DisposeAsync();
            identity.Dispose();
            throw;
        }
        var port = new Uri(app.Urls.First()).Port;
        var endpoint = new ControlEndpoint(options.Listen.Address, port, LocalAddresses.OfThisMachine(options.Listen.AddressFamily));
        parts.Announce(new KnownGateway(identity.Pin, options.Urls.Count > 0 ? options.Urls : endpoint.Urls()));
        return new ControlPlane(app, identity, parts, options, endpoint, relay, relayMetrics);
    }

    public async ValueTask DisposeAsync()
    {
        // The nodes are told first; what they still do on their connections is no reason to wait.
        await _heads.DisposeAsync();
        _deploymentMetrics.Dispose();
        _routingMetrics.Dispose();
        await _parts.DisposeAsync();
        _relay.Dispose();
        _relayMetrics.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
        _identity.Dispose();
    }

    private static WebApplication Build(
        ControlPlaneOptions options, NodeIdentity identity, NodeControlService service, WeightService weights, RelayService relay)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        options.ConfigureLogging(builder.Logging);
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
            kestrel.Listen(options.Listen, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                endpoint.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = TimeSpan.FromSeconds(5),
                    // Any key of our kind gets through to where a refusal can say why; what it may call there, the service decides.
                    OnConnection = _ => ValueTask.FromResult(PinnedTls.Server(identity, PeerCheck.Anyone(options.Clock), SslApplicationProtocol.Http2, Relayed)),
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
