using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Testing.Serving;

/// <summary>A small model with random weights in a GGUF file, served as the process serves models: loader, pool, engine, backend.</summary>
public sealed class TinyServer : IAsyncDisposable
{
    public const string ModelId = "tiny";

    readonly TemporaryDirectory _directory = new();
    readonly CpuDevice _device = new(threads: 2);

    public TinyServer(
        TinyModelOptions? model = null,
        SchedulerOptions? scheduler = null,
        int contextLength = 512,
        bool fewestBlocks = false,
        SpeculationOptions? speculation = null,
        KvFormat kvFormat = KvFormat.F16)
    {
        var path = ModelPath = _directory.File("model.gguf");
        TinyModel.Build(path, model ?? Small);
        var engine = new EngineOptions
        {
            Scheduler = scheduler ?? new SchedulerOptions(),
            Speculation = speculation ?? new SpeculationOptions(),
            NextSeed = () => 1,
        };

        // With no memory to spare a model gets the blocks of one context only.
        var loader = new ModelLoader(
            _device,
            new ModelLoadOptions
            {
                ContextLength = contextLength,
                Engine = engine,
                MemoryBytes = fewestBlocks ? 0 : long.MaxValue,
                KvFormat = kvFormat,
            });
        var options = new ModelPoolOptions { Engine = engine };
        Pool = new ModelPool(options, loader.Measure, loader.Load, Metrics, TimeProvider.System, NullLoggerFactory.Instance);
        Pool.Add(ModelId, new ModelSource(path), DateTimeOffset.UnixEpoch);
        Backend = new LocalBackend(Pool, maxConcurrentPrompts: 2);
    }

    /// <summary>A model of which a step takes a millisecond or less.</summary>
    public static TinyModelOptions Small { get; } = TinyModelOptions.Llama with
    {
        HiddenSize = 64,
        HeadCount = 4,
        KvHeadCount = 2,
        FeedForwardSize = 128,
    };

    /// <summary>The model's file.</summary>
    public string ModelPath { get; }

    public EngineMetrics Metrics { get; } = new();

    public ModelPool Pool { get; }

    public LocalBackend Backend { get; }

    public Task<CollectedGeneration> RunAsync(GenerationRequest request, CancellationToken cancellationToken = default) =>
        CollectedGeneration.FromAsync(Backend.GenerateAsync(request, cancellationToken), cancellationToken);

    public Task<Outcome<EmbeddingAnswer>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken = default) =>
        Backend.EmbedAsync(request, cancellationToken);

    /// <summary>Audits the engine.</summary>
    public async Task<EngineStatistics> CheckIntegrityAsync()
    {
        var (lease, _) = await Pool.AcquireAsync(ModelId, CancellationToken.None);
        using (lease)
            return await lease!.Model.Engine.CheckIntegrityAsync();
    }

    /// <summary>The tokens of a text prompt.</summary>
    public async Task<int[]> PromptAsync(string text)
    {
        var (lease, _) = await Pool.AcquireAsync(ModelId, CancellationToken.None);
        using (lease)
            return lease!.Model.Encoder.Encode(Request(text, 1), CancellationToken.None).Tokens;
    }

    public static EmbeddingRequest Embedding(params string[] texts) => new()
    {
        RequestId = "request",
        ModelId = ModelId,
        AccountId = "account",
        Inputs = [.. texts.Select(text => new TextPrompt(text))],
    };

    public static GenerationRequest Request(string text, int maxTokens, string id = "request") => new()
    {
        RequestId = id,
        ModelId = ModelId,
        AccountId = "account",
        Prompt = new TextPrompt(text),
        Stop = new StopConditions { MaxTokens = maxTokens },
    };

    public async ValueTask DisposeAsync()
    {
        await Pool.DisposeAsync();
        _device.Dispose();
        Metrics.Dispose();
        _directory.Dispose();
    }
}
