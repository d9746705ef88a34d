using System.Runtime.CompilerServices;
using System.Text;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>
/// The engine with the model's ends and its first layer here, and the other layers in processes of their own that are killed while twenty
/// requests generate, greedy and seeded, with several choices, log-probabilities and stop strings, and one asks for vectors.
/// </summary>
public sealed class WorkerProcessTests : IAsyncDisposable
{
    const int Layers = 4;
    const int Requests = 20;
    const int MaxTokens = 48;
    const int Blocks = 256;

    // By the number of pieces of text that came so far; there are some thousand tokens.
    static readonly int[] KillsAtDelta = [80, 180, 280];

    static readonly EngineOptions Options = new()
    {
        Scheduler = new SchedulerOptions { MaxRunningSequences = 16, MaxPrefillTokens = 48, MaxPrefillTokensBesideDecode = 16 },
    };

    readonly TemporaryDirectory _directory = new();
    readonly EngineMetrics _metrics = new();
    readonly List<WorkerProcess> _workers = [];
    readonly string _path;
    int _deltas;

    public WorkerProcessTests()
    {
        _path = _directory.File("model.gguf");
        TinyModel.Build(_path, TinyModelOptions.Qwen3 with
        {
            LayerCount = Layers,
            HiddenSize = 64,
            FeedForwardSize = 128,
            HeadSize = 16,
            VocabularySize = 512,
            SpeaksEveryToken = true,
            Seed = 7,
        });
    }

    [Fact]
    public async Task Requests_go_on_with_the_same_tokens_and_vectors_when_processes_are_killed()
    {
        var expected = await GenerateAsync((file, device) => Whole(file, device), static _ => { });

        var first = await StartAsync();
        var spares = await StartAsync();
        var provider = new ListedStages([.. first.Concat(spares).Select(worker => worker.Endpoint)]);
        var events = new List<string>();
        RemoteChain? chain = null;
        Interlocked.Exchange(ref _deltas, 0);
        var actual = await GenerateAsync(
            (file, device) => Sharded(file, device, provider, events, out chain),
            delta =>
            {
                if (Array.IndexOf(KillsAtDelta, delta) is >= 0 and var victim)
                    first[victim].Kill();
            });

        Assert.Equal(expected, actual);
        Assert.Equal(spares.Select(worker => worker.Endpoint.Name), chain!.Stages.Select(stage => stage.Name));
        lock (events)
            Assert.Equal(Layers - 1, events.Count(text => text.Contains("positions of")));
    }

    public async ValueTask DisposeAsync()
    {
        _workers.ForEach(worker => worker.Dispose());
        _metrics.Dispose();
        _directory.Dispose();
        await ValueTask.CompletedTask;
    }

    /// <summary>A worker for each layer but the first.</summary>
    async Task<WorkerProcess[]> StartAsync()
    {
        var started = await Task.WhenAll(Enumerable.Range(1, Layers - 1).Select(layer => WorkerProcess.StartAsync(
            _path, new LayerRange(layer, 1), _directory.File($"{_workers.Count}-{layer}.sock"), Blocks, Options.Scheduler.MaxRows)));
        _workers.AddRange(started);
        return started;
    }

    async Task<string[]> GenerateAsync(Func<GgufFile, CpuDevice, ServableModel> load, Action<int> onDelta)
    {
        var file = GgufFile.Open(_path);
        using var device = new CpuDevice(threads: 1);
        await using var pool = new ModelPool(
            new ModelPoolOptions { Engine = Options }, _ => new ModelFootprint(1, 512, 1), (_, _, _) => load(file, device), _metrics,
            TimeProvider.System, NullLoggerFactory.Instance);
        pool.Add("model", new ModelSource(_path), DateTimeOffset.UnixEpoch);
        var backend = new LocalBackend(pool, maxConcurrentPrompts: 1);
        var embedding = backend.EmbedAsync(Embedding, CancellationToken.None);
        var generations = await Task.WhenAll(Enumerable.Range(0, Requests).Select(index => CollectedGeneration.FromAsync(
            CountAsync(backend.GenerateAsync(Request(index), CancellationToken.None), onDelta))));
        var vectors = (await embedding).Value!.Inputs.Select(input => string.Join(' ', input.Values.Select(BitConverter.SingleToInt32Bits)));
        return [.. generations.Select((generation, index) => Describe(generation, Request(index).Choices)), .. vectors];
    }

    async IAsyncEnumerable<GenerationEvent> CountAsync(
        IAsyncEnumerable<GenerationEvent> events, Action<int> onDelta, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var next in events.WithCancellation(cancellationToken))
        {
            if (next is GenerationDelta)
                onDelta(Interlocked.Increment(ref _deltas));
            yield return next;
        }
    }

    static GenerationRequest Request(int index) => new()
    {
        RequestId = $"request {index}",
        ModelId = "model",
        AccountId = $"account {index % 3}",
        Prompt = new TokenPrompt([.. Enumerable.Range(0, 5 + index * 3).Select(i => (i * 31 + index % 4 * 17) % 250)]),
        Sampling = index % 2 == 0 ? new SamplingParams { Temperature = 0 } : new SamplingParams { Temperature = 1.1f, TopP = 0.95f, Seed = 1000 + index },
        Stop = new StopConditions { MaxTokens = MaxTokens, IgnoreEndOfGeneration = true, Strings = index % 5 == 0 ? [" word7", "ing"] : [] },
        Choices = index % 3 == 1 ? 3 : 1,
        Logprobs = index % 4 == 3 ? new LogprobOptions(2) : null,
    };

    static EmbeddingRequest Embedding { get; } = new()
    {
        RequestId = "vectors",
        ModelId = "model",
        AccountId = "account of vectors",
        Inputs = [.. Enumerable.Range(0, 60).Select(index => new TokenPrompt([.. Enumerable.Range(0, 90).Select(i => (i * 13 + index * 7) % 250)]))],
    };

    /// <summary>All that a client sees of a generation, to the last bit.</summary>
    static string Describe(CollectedGeneration generation, int choices)
    {
        Assert.Null(generation.Error);
        var text = new StringBuilder();
        for (var choice = 0; choice < choices; choice++)
        {
            var end = generation.Finished(choice);
            text.AppendLine($"{choice}: {generation.Text(choice)} [{end.Reason}, {end.CompletionTokens}, {end.StopString}]");
            foreach (var token in generation.Tokens(choice))
                text.AppendLine($"  {token.TokenId} {token.Logprob:R} {string.Join(" ", token.Top.Select(other => $"{other.TokenId} {other.Logprob:R}"))}");
        }
        return text.ToString();
    }

    static ServableModel Whole(GgufFile file, CpuDevice device)
    {
        var model = TransformerModel.Load(file, device);
        var rows = Options.Scheduler.MaxRows;
        var stage = model.CreateStage(model.AllLayers, model.KvShape(model.AllLayers, Blocks), rows);
        return Servable(file, model, [stage]);
    }

    static ServableModel Sharded(GgufFile file, CpuDevice device, IStageProvider provider, List<string> events, out RemoteChain chain)
    {
        var own = new LayerRange(0, 1);
        var model = TransformerModel.LoadPart(file, new ModelPart(own, HasEnds: true), device);
        var options = new RemoteChainOptions
        {
            Shape = new StageShape
            {
                DeploymentId = "processes",
                ModelDigest = new string('0', 64),
                HiddenSize = model.Config.HiddenSize,
                MaxRows = Options.Scheduler.MaxRows,
                BlockCount = Blocks,
                BlockSize = KvCacheShape.DefaultBlockSize,
            },
            Layers = new LayerRange(own.End, Layers - own.End),
            ExtraDepth = 1,
            OnEvent = text =>
            {
                lock (events)
                    events.Add(text);
            },
        };
        chain = RemoteChain.ConnectAsync(options, provider, new StageDialer()).GetAwaiter().GetResult();
        return Servable(file, model, [model.CreateStage(own, model.KvShape(own, Blocks), Options.Scheduler.MaxRows), chain]);
    }

    static ServableModel Servable(GgufFile file, TransformerModel model, IReadOnlyList<IModelStage> stages) => new()
    {
        Tokenizer = Tokenizer.FromGguf(file.Metadata),
        Template = null,
        Pipeline = new Pipeline(model.CreateHead(Options.Scheduler.MaxRows), stages, Options.Scheduler.MaxRows),
        ContextLength = 512,
        BlockCount = Blocks,
        BlockSize = KvCacheShape.DefaultBlockSize,
        MemoryBytes = 1,
        Resources = [model, file],
    };
}
