using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Weights.Wire;
using Grpc.Core;
using Grpc.Net.Client;

namespace Formation.Inference.Node.Agent;

/// <summary>A connection to one gateway, which must show the expected key: mutual TLS 1.3 under HTTP/2.</summary>
sealed class GatewayLink : IDisposable
{
    /// <summary>How long a gateway may take to answer a dial.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestReconnectBackoff = TimeSpan.FromSeconds(1);

    private readonly PeerCheck _check;
    private readonly GrpcChannel _channel;

    public GatewayLink(NodeIdentity identity, Uri url, KeyPin gateway, TimeProvider clock)
    {
        Url = url;
        _check = PeerCheck.For(gateway, clock);
        var handler = new SocketsHttpHandler
        {
            SslOptions = PinnedTls.Client(identity, _check),
            ConnectTimeout = ConnectTimeout,
            // A proxy of the environment is for the web; it would see who talks to whom, and could only refuse the pinned TLS.
            UseProxy = false,
        };
        _channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = ControlLimits.NodeMessageBytes,
            MaxSendMessageSize = ControlLimits.GatewayMessageBytes,
            // Who uses the link decides when to try again; by itself it would turn calls away for up to two minutes after a failure.
            InitialReconnectBackoff = LongestReconnectBackoff / 10,
            MaxReconnectBackoff = LongestReconnectBackoff,
        });
        Client = new NodeControl.NodeControlClient(_channel);
        Weights = new ModelWeights.ModelWeightsClient(_channel);
    }

    public Uri Url { get; }

    public NodeControl.NodeControlClient Client { get; }

    public ModelWeights.ModelWeightsClient Weights { get; }

    /// <summary>Says in our own words why a call failed.</summary>
    public Exception Explain(RpcException error) => GatewayFailure.Explain(error, Url, _check.Fault);

    public void Dispose() => _channel.Dispose();
}
