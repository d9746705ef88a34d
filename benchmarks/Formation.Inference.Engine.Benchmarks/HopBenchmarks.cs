using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BenchmarkDotNet.Attributes;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Engine.Benchmarks;

/// <summary>
/// What a hop costs: a row goes through a chain of one stage that computes nothing, and comes back. Rows of 2,048 values are 8 KiB in float32,
/// rows of 16,384 are 64 KiB.
/// </summary>
[MemoryDiagnoser]
public class HopBenchmarks
{
    readonly int[] _blocks = [0];
    string _folder = "";
    StageServer _server = null!;
    StageListener _listener = null!;
    RemoteChain _chain = null!;
    Activations _activations = null!;
    Batch _batch = null!;

    [Params(2_048, 16_384)]
    public int Width { get; set; }

    [Params("unix", "tls")]
    public string Transport { get; set; } = "";

    [Params(ActivationPrecision.F32, ActivationPrecision.BF16, ActivationPrecision.Q8)]
    public ActivationPrecision Precision { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var layers = new LayerRange(0, 1);
        var shape = new StageShape
        {
            DeploymentId = "hop",
            ModelDigest = new string('0', 64),
            HiddenSize = Width,
            MaxRows = 1,
            BlockCount = 1,
            BlockSize = 16,
        };
        var credentials = NewCredentials();
        _folder = Directory.CreateTempSubdirectory("formation-hop-").FullName;
        _server = new StageServer(new IdleStage(layers), new StageServerOptions { Shape = shape }, new StageDialer());
        _listener = Transport == "tls"
            ? StageListener.Tls(new IPEndPoint(IPAddress.Loopback, 0), credentials, _server.Accept)
            : StageListener.Unix(Path.Combine(_folder, "stage"), _server.Accept);
        var identity = Transport == "tls" ? credentials.Identity : PeerIdentity.SameHost;
        _chain = RemoteChain.ConnectAsync(
            new RemoteChainOptions { Shape = shape, Layers = layers, Precision = Precision },
            new OneStage(new StageEndpoint("idle", layers, _listener.Address, identity)),
            new StageDialer(credentials)).GetAwaiter().GetResult();

        var random = new Random(1);
        _activations = new Activations(1, Width);
        _activations.SetRows(1);
        foreach (ref var value in _activations.Values)
            value = (float)random.NextDouble() - 0.5f;
        _batch = new Batch(0, [new BatchSlice(1, SliceKind.Decode, 0, 1, 0, _blocks)]);
    }

    [Benchmark]
    public void ThereAndBack() => _chain.ForwardAsync(_batch, _activations, CancellationToken.None).AsTask().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void Cleanup()
    {
        _chain.Dispose();
        _listener.Dispose();
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    static StageCredentials NewCredentials()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = new CertificateRequest("CN=hop", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return new StageCredentials(certificate, static _ => true);
    }

    sealed class IdleStage(LayerRange layers) : IModelStage
    {
        public LayerRange Layers => layers;

        public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void Dispose() { }
    }

    sealed class OneStage(StageEndpoint endpoint) : IStageProvider
    {
        public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
            LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken) =>
            ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([endpoint]);
    }
}
