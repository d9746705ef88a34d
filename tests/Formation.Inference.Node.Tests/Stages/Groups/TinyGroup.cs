using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages.Groups;

/// <summary>A small model whose layers are shared with followers that are served over Unix sockets in this process.</summary>
internal sealed class TinyGroup : IDisposable
{
    public const int BlockCount = 32, MaxRows = 64;

    readonly TemporaryDirectory _directory = new();
    readonly GgufFile _file;
    readonly CpuDevice _device = new(1);
    readonly TransformerModel[] _models;
    readonly List<ServedFollower> _idle = [];

    public TinyGroup(TinyModelOptions options, int members = 2)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        _file = GgufFile.Open(path);
        var config = ModelConfig.Read(_file);
        Layers = new LayerRange(0, config.LayerCount);
        _models = [.. Enumerable.Range(0, members).Select(rank => TransformerModel.LoadPart(
            _file, new ModelPart(Layers, HasEnds: false) { Share = new TensorShare(rank, members) }, _device))];
        Shape = new StageShape
        {
            DeploymentId = "tiny",
            ModelDigest = new string('a', 64),
            HiddenSize = config.HiddenSize,
            MaxRows = MaxRows,
            BlockCount = BlockCount,
            BlockSize = KvCacheShape.DefaultBlockSize,
            KvFormat = KvFormat.F16,
        };
    }

    public LayerRange Layers { get; }

    public StageShape Shape { get; }

    public int Members => _models.Length;

    public FaultyDialer Dialer { get; } = new();

    /// <summary>What the group told its operator.</summary>
    public List<string> Events { get; } = [];

    /// <summary>Every follower that was ever started.</summary>
    public List<ServedFollower> All { get; } = [];

    /// <summary>Starts a follower that is handed out when its rank is asked for.</summary>
    public ServedFollower Start(int rank)
    {
        var follower = new ServedFollower(
            this, rank, new FollowerExchange(new TensorShare(rank, Members), Layers), _directory.File($"{All.Count}.sock"));
        All.Add(follower);
        lock (_idle)
            _idle.Add(follower);
        return follower;
    }

    /// <summary>Hands a follower out again.</summary>
    public void Offer(ServedFollower follower)
    {
        lock (_idle)
            _idle.Add(follower);
    }

    /// <summary>A leader with the followers that were started.</summary>
    public Task<TensorParallelStage> ConnectAsync() => TensorParallelStage.ConnectAsync(
        new TensorParallelOptions
        {
            Shape = Shape,
            Layers = Layers,
            Followers = [.. Enumerable.Range(1, Members - 1).Select(rank => new Provider(this, rank))],
            OnEvent = text =>
            {
                lock (Events)
                    Events.Add(text);
            },
        },
        exchange => CreateStage(0, exchange), Dialer);

    public LocalStage CreateStage(int rank, ITensorExchange exchange) =>
        _models[rank].CreateStage(Layers, _models[rank].KvShape(Layers, BlockCount), MaxRows, exchange);

    public void Dispose()
    {
        All.ForEach(follower => follower.Dispose());
        foreach (var model in _models)
            model.Dispose();
        _device.Dispose();
        _file.Dispose();
        _directory.Dispose();
    }

    sealed class Provider(TinyGroup group, int rank) : IStageProvider
    {
        public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
            LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken)
        {
            lock (group._idle)
            {
                var found = group._idle.Find(follower => follower.Rank == rank);
                if (found is null)
                    return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([]);
                group._idle.Remove(found);
                return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([found.Endpoint]);
            }
        }
    }
}

/// <summary>A follower on a socket.</summary>
internal sealed class ServedFollower(TinyGroup group, int rank, FollowerExchange exchange, string path) : ServedStage(
    group.CreateStage(rank, exchange), new StageServerOptions { Shape = group.Shape, Exchange = exchange }, group.Dialer, TimeProvider.System, path)
{
    public int Rank => rank;

    public FollowerExchange Exchange => exchange;

    protected override void End() => Exchange.Dispose();
}
