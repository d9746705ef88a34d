using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Serving;
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
        var options = new StageServerOptions { Shape = Shape };
        if (precisions is { } some)
            options = options with { Precisions = some };
        var stage = new ServedStage(CreateStage(layers), options, Dialer, Time, _directory.File($"{All.Count}.sock"), acceptsLinks);
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
