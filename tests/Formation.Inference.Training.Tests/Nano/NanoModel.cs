using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Testing.Fakes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Training.Tests.Nano;

/// <summary>The committed model, answered for by the engine that serves it.</summary>
public sealed class NanoModel : IAsyncLifetime
{
    private const string Id = "formation-nano";
    private readonly CpuDevice _device = new(Math.Min(2, Environment.ProcessorCount));
    private readonly EngineMetrics _metrics = new();
    private ModelPool? _pool;
    private LocalBackend? _backend;
    private int _requests;

    /// <summary>models/formation-nano of this checkout.</summary>
    public static string Folder { get; } = Path.Combine(Root(), "models", Id);

    public ValueTask InitializeAsync()
    {
        var loader = new ModelLoader(_device, new ModelLoadOptions { MemoryBytes = 256L << 20 });
        _pool = new ModelPool(new ModelPoolOptions(), loader.Measure, loader.Load, _metrics, TimeProvider.System, NullLoggerFactory.Instance);
        _pool.Add(Id, new ModelSource(Path.Combine(Folder, "formation-nano.gguf")), DateTimeOffset.UnixEpoch);
        _backend = new LocalBackend(_pool, 1);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _pool!.DisposeAsync();
        _metrics.Dispose();
        _device.Dispose();
    }

    /// <summary>The answer to one question at temperature 0.</summary>
    public Task<CollectedGeneration> AskAsync(string question) => AskAsync(new ChatPrompt([new ChatMessage("user", question)]));

    /// <summary>What follows a prompt at temperature 0, at most 120 tokens.</summary>
    public Task<CollectedGeneration> AskAsync(Prompt prompt) => CollectedGeneration.FromAsync(
        _backend!.GenerateAsync(
            new GenerationRequest
            {
                RequestId = $"test-{Interlocked.Increment(ref _requests)}",
                ModelId = Id,
                AccountId = "test",
                Prompt = prompt,
                Sampling = new SamplingParams { Temperature = 0 },
                Stop = new StopConditions { MaxTokens = 120 },
            },
            TestContext.Current.CancellationToken),
        TestContext.Current.CancellationToken);

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Formation.Inference.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"no Formation.Inference.slnx above {AppContext.BaseDirectory}");
    }
}
