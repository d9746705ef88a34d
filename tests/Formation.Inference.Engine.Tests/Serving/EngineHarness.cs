using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Models;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>An engine that runs an invented model.</summary>
internal sealed class EngineHarness : IAsyncDisposable
{
    readonly EngineMetrics _metrics;
    readonly ManualResetEventSlim _gate = new(initialState: true);
    int _requests;

    /// <param name="stage">Where the model computes; its own stage, which <see cref="Pause"/> holds, where it is null.</param>
    /// <param name="drafters">Guess the model's tokens; without them each step gives a sequence one token.</param>
    public EngineHarness(
        SchedulerOptions? scheduler = null,
        int blocks = 64,
        int context = 1024,
        int maxQueued = 64,
        EngineMetrics? metrics = null,
        SpeculationOptions? speculation = null,
        IEnumerable<IDrafter>? drafters = null,
        TimeProvider? clock = null,
        Func<PrefixHasher, IDrafter>? createDrafter = null,
        IModelStage? stage = null,
        TimeSpan? recoveryTimeout = null,
        Pooling pooling = Pooling.Mean,
        string template = TinyModel.ChatMlTemplate)
    {
        _metrics = metrics ?? new EngineMetrics();
        var options = new EngineOptions
        {
            Scheduler = scheduler ?? new SchedulerOptions(),
            Speculation = speculation ?? new SpeculationOptions { IsAdaptive = false },
            MaxQueuedRequests = maxQueued,
            MaxLogitsRows = 4,
            NextSeed = () => 42,
            RecoveryTimeout = recoveryTimeout ?? new EngineOptions().RecoveryTimeout,
        };
        Model = new InventedModel(blocks, context, options.Scheduler.MaxRows, stage, pooling, template);
        Model.Stage.BeforeForward = (_, cancellation) => _gate.Wait(cancellation);
        Engine = new InferenceEngine(
            "invented", Model.Servable, options, _metrics, clock ?? TimeProvider.System, NullLogger<InferenceEngine>.Instance,
            hasher => createDrafter is null ? drafters ?? [] : [createDrafter(hasher)]);
    }

    public InventedModel Model { get; }

    public InferenceEngine Engine { get; }

    public static SamplingParams Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Token ids of a prompt, different for each salt.</summary>
    public static int[] Prompt(int length, int salt = 0) => [.. Enumerable.Range(0, length).Select(i => (i * 7 + salt * 31) % 250)];

    /// <summary>A request that reports its tokens.</summary>
    public GenerationRequest Request(int maxTokens, SamplingParams? sampling = null) => new()
    {
        RequestId = $"request {Interlocked.Increment(ref _requests)}",
        ModelId = "invented",
        AccountId = "account",
        Prompt = new TokenPrompt([]),
        Sampling = sampling ?? Greedy,
        Stop = new StopConditions { MaxTokens = maxTokens },
        Logprobs = new LogprobOptions(0),
    };

    public Task<CollectedGeneration> RunAsync(GenerationRequest request, int[] prompt) =>
        CollectedGeneration.FromAsync(Engine.Submit(request, prompt).Events.ReadAllAsync(CancellationToken.None));

    /// <summary>Embeds inputs that are tokens already.</summary>
    public async Task<Outcome<EmbeddingAnswer>> EmbedAsync(int[][] inputs, Func<EmbeddingRequest, EmbeddingRequest>? with = null)
    {
        var request = new EmbeddingRequest
        {
            RequestId = "embedding",
            ModelId = "invented",
            AccountId = "account",
            Inputs = [.. inputs.Select(tokens => new TokenPrompt(tokens))],
            Normalize = false,
        };
        var generation = Engine.Submit(with?.Invoke(request) ?? request, inputs);
        var collected = await CollectedGeneration.FromAsync(generation.Events.ReadAllAsync(CancellationToken.None));
        return collected.Error is { } error ? error : generation.Embedding!.Answer;
    }

    public static int[] TokensOf(CollectedGeneration generation, int choice = 0)
    {
        Assert.Null(generation.Error);
        return [.. generation.Tokens(choice).Select(token => token.TokenId)];
    }

    /// <summary>Greedy tokens as the engine reports them: without the end-of-generation token.</summary>
    public int[] Expected(int[] prompt, int maxTokens) =>
        [.. Model.Greedy(prompt, maxTokens).Where(token => !Model.Tokenizer.IsEndOfGeneration(token))];

    /// <summary>Holds the engine before its next forward call.</summary>
    public void Pause() => _gate.Reset();

    public void Resume() => _gate.Set();

    /// <summary>Waits for a state of the engine that must come.</summary>
    public Task UntilAsync(Func<EngineStatistics, bool> condition) => Eventually.TrueAsync(() => condition(Engine.Statistics));

    public async ValueTask DisposeAsync()
    {
        Resume();
        await Engine.DisposeAsync();
        _metrics.Dispose();
        _gate.Dispose();
    }
}
