using System.Net.Security;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Weights.Wire;
using Grpc.Core;
using Grpc.Net.Client;

namespace Formation.Inference.Cli.Tests.Fakes;

/// <summary>A node that says what a test wants it to say, over the real protocol.</summary>
sealed class RawNode : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("form-raw-");
    private readonly GrpcChannel _channel;

    public RawNode(TestControlPlane gateway, TimeProvider clock, Action<SslClientAuthenticationOptions>? changeTls = null)
    {
        Identity = NodeIdentity.LoadOrCreate(Path.Combine(_folder.FullName, "node.pem"), clock);
        var tls = PinnedTls.Client(Identity, PeerCheck.For(gateway.Plane.Pin, clock));
        changeTls?.Invoke(tls);
        Handler = new SocketsHttpHandler { SslOptions = tls, UseProxy = false, EnableMultipleHttp2Connections = true };
        _channel = GrpcChannel.ForAddress(gateway.Url, new GrpcChannelOptions { HttpHandler = Handler });
        Client = new NodeControl.NodeControlClient(_channel);
        Weights = new ModelWeights.ModelWeightsClient(_channel);
    }

    public NodeIdentity Identity { get; }

    public SocketsHttpHandler Handler { get; }

    public NodeControl.NodeControlClient Client { get; }

    public ModelWeights.ModelWeightsClient Weights { get; }

    public static NodeReport Report(string name) => new()
    {
        Name = name,
        Version = "0.1.0",
        Devices = [new DeviceReport("a processor", "avx2", 2, 1e10, 1e11)],
        MemoryBytes = 8L << 30,
        FreeMemoryBytes = 6L << 30,
    };

    public Task<JoinResponse> JoinAsync(string token, string name) => Client.JoinAsync(ControlMessages.Join(token, Report(name))).ResponseAsync;

    /// <summary>Opens the control stream with this first message.</summary>
    public async Task<AsyncDuplexStreamingCall<NodeMessage, GatewayMessage>> ConnectAsync(NodeMessage first)
    {
        var call = Client.Connect();
        await call.RequestStream.WriteAsync(first);
        return call;
    }

    /// <summary>Opens the control stream and registers; the gateway's welcome has been read.</summary>
    public async Task<AsyncDuplexStreamingCall<NodeMessage, GatewayMessage>> RegisterAsync(string name)
    {
        var call = await ConnectAsync(ControlMessages.Register(Report(name)));
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.NotNull(call.ResponseStream.Current.Welcome);
        return call;
    }

    /// <summary>Reads to the end and gives the reason that the gateway ended the stream for.</summary>
    public static async Task<Refusal> EndOfAsync(AsyncDuplexStreamingCall<NodeMessage, GatewayMessage> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        }).WaitAsync(TimeSpan.FromSeconds(60));
        return Refusals.From(error) ?? throw new InvalidOperationException(error.ToString());
    }

    /// <summary>The reason that a call was refused for.</summary>
    public static async Task<Refusal> RefusalOfAsync(Task call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => call).WaitAsync(TimeSpan.FromSeconds(60));
        return Refusals.From(error) ?? throw new InvalidOperationException(error.ToString());
    }

    public void Dispose()
    {
        _channel.Dispose();
        Identity.Dispose();
        _folder.Delete(recursive: true);
    }
}
