using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A small model with random weights, whose stages are served over Unix sockets in this process, and spare ones beside them.</summary>
internal sealed class TinyChain : IStageProvider, IDisposable
{
    public const int BlockCount = 32;
    public const int MaxRows = 64;

    readonly TemporaryDirectory _directory = new();
    readonly GgufFile _file;
    readonly CpuDevice _device;
    readonly List<ServedStage> _idle = [];

    public TinyChain(TinyModelOptions options, TimeProvider? time = null)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        _file = GgufFile.Open(path);
        _device = new CpuDevice(threads: 1);
        Model = TransformerModel.Load(_file, _device);
        Time = time ?? TimeProvider.System;
        Shape = new StageShape
        {
            DeploymentId = "tiny",
            ModelDigest = new string('a', 64),
            HiddenSize = Model.Config.HiddenSize,
            MaxRows = MaxRows,
            BlockCount = BlockCount,
            BlockSize = KvCacheShape.DefaultBlockSize,
            KvFormat = KvFormat.F16,
        };
    }

    public TransformerModel Model { get; }

    public TimeProvider Time { get; }

    public StageShape Shape { get; }

    public FaultyDialer Dialer { get; } = new();

    /// <summary>What the chain told its operator.</summary>
    public List<string> Events { get; } = [];

    /// <summary>All stages that were ever started.</summary>
    public List<ServedStage> All { get; } = [];

    /// <summary>Starts a stage that the provider hands out when its layers are asked for.</summary>
    public ServedStage Start(LayerRange layers, bool acceptsLinks = true, ActivationPrecision? precisions = null)
    {
        var stage = new ServedStage(this, layers, _directory.File($"{All.Count}.sock"), acceptsLinks, precisions);
        All.Add(stage);
        lock (_idle)
            _idle.Add(stage);
        return stage;
    }

    /// <summary>Hands a stage out again.</summary>
    public void Offer(ServedStage stage)
    {
        lock (_idle)
            _idle.Add(stage);
    }

    public Task<RemoteChain> ConnectAsync(
        LayerRange layers, ActivationPrecision precision = ActivationPrecision.F32, int extraDepth = 0) =>
        RemoteChain.ConnectAsync(
            new RemoteChainOptions
            {
                Shape = Shape,
                Layers = layers,
                Precision = precision,
                ExtraDepth = extraDepth,
                OnEvent = text =>
                {
                    lock (Events)
                        Events.Add(text);
                },
            },
            this, Dialer, Time);

    public LocalStage CreateStage(LayerRange layers) => Model.CreateStage(layers, Model.KvShape(layers, BlockCount), MaxRows);

    /// <summary>The longest run of idle stages from the first layer on, each with the fewest layers left over.</summary>
    public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
        LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken)
    {
        var found = new List<StageEndpoint>();
        lock (_idle)
        {
            for (var next = layers.First; next < layers.End;)
            {
                var stage = _idle.Find(idle => idle.Endpoint.Layers.First == next && idle.Endpoint.Layers.End <= layers.End);
                if (stage is null)
                    return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([]);
                _idle.Remove(stage);
                found.Add(stage.Endpoint);
                next = stage.Endpoint.Layers.End;
            }
        }
        return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>(found);
    }

    public void Dispose()
    {
        All.ForEach(stage => stage.Dispose());
        Model.Dispose();
        _device.Dispose();
        _file.Dispose();
        _directory.Dispose();
    }
}

/// <summary>One stage on a socket.</summary>
internal sealed class ServedStage : IDisposable
{
    readonly LocalStage _stage;
    readonly StageListener _listener;
    bool _isDisposed;

    public ServedStage(TinyChain chain, LayerRange layers, string path, bool acceptsLinks, ActivationPrecision? precisions)
    {
        _stage = chain.CreateStage(layers);
        Compute = new WatchedStage(_stage);
        var options = new StageServerOptions
        {
            Shape = chain.Shape,
            OnConnectionEnded = reason =>
            {
                lock (Endings)
                    Endings.Add(reason);
            },
        };
        if (precisions is { } some)
            options = options with { Precisions = some };
        Server = new StageServer(Compute, options, chain.Dialer, chain.Time);
        _listener = StageListener.Unix(path, Server.Accept);
        Endpoint = new StageEndpoint(Path.GetFileNameWithoutExtension(path), layers, _listener.Address, PeerIdentity.SameHost)
        {
            AcceptsLinks = acceptsLinks,
        };
    }

    public StageServer Server { get; }

    public WatchedStage Compute { get; }

    public StageEndpoint Endpoint { get; }

    public List<string> Endings { get; } = [];

    /// <summary>Ends it like a process that is killed: its sockets close, and nobody hears why.</summary>
    public void Kill() => Dispose();

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _listener.Dispose();

        // The connections end before a batch that is held back goes on, as they do when a process ends in the middle of one.
        var ended = Task.Run(Server.Dispose);
        if (!ended.Wait(TimeSpan.FromMilliseconds(100)))
            Compute.Gate.Set();
        ended.Wait();
        _stage.Dispose();
    }
}

/// <summary>A stage that a test can hold back, and see the batches of.</summary>
internal sealed class WatchedStage(IModelStage stage) : IModelStage
{
    public LayerRange Layers => stage.Layers;

    /// <summary>Closed, the stage waits before each batch.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Called before each batch; may throw.</summary>
    public Action<Batch> Before { get; set; } = static _ => { };

    /// <summary>Slices of all batches so far.</summary>
    public List<BatchSlice> Slices { get; } = [];

    public ValueTask ForwardAsync(Batch batch, Activations activations, CancellationToken cancellationToken)
    {
        Gate.Wait(CancellationToken.None);
        Before(batch);
        lock (Slices)
            Slices.AddRange(batch.Slices.Select(slice => slice with { BlockTable = slice.BlockTable.ToArray() }));
        return stage.ForwardAsync(batch, activations, cancellationToken);
    }

    public void Dispose() => stage.Dispose();
}
