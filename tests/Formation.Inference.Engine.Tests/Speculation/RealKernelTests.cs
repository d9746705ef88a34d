using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Tests.Serving;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Engine.Tests.Speculation;

/// <summary>With real kernels, too, a verified row has the bits of the row that plain decoding computes: same tokens, same log-probabilities.</summary>
public sealed class RealKernelTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();
    readonly CpuDevice _device = new(threads: 2);
    readonly EngineMetrics _metrics = new();

    static TinyModelOptions Shape(string name) => name switch
    {
        "qwen3" => TinyModelOptions.Qwen3 with { HiddenSize = 64, FeedForwardSize = 128, HeadSize = 32 },
        "Q8_0" => TinyServer.Small with { MatrixType = TensorType.Q8_0 },
        "Q4_K" => TinyServer.Small with { HiddenSize = 256, FeedForwardSize = 256, MatrixType = TensorType.Q4_K },
        "window" => TinyServer.Small with { SlidingWindow = 24 },
        _ => TinyServer.Small,
    };

    /// <summary>Requests that draw and greedy ones, with penalties and without, of one choice and several.</summary>
    static List<(GenerationRequest Request, int[] Prompt)> Workload() => [.. Enumerable.Range(0, 6).Select(i => (
        new GenerationRequest
        {
            RequestId = $"request {i}",
            ModelId = "tiny",
            AccountId = $"account {i % 2}",
            Prompt = new TokenPrompt([]),
            Choices = i == 2 ? 3 : 1,
            Logprobs = new LogprobOptions(2),
            Stop = new StopConditions { MaxTokens = 40 + i * 9, IgnoreEndOfGeneration = true },
            Sampling = new SamplingParams
            {
                Temperature = i % 3 * 0.5f,
                TopP = 0.95f,
                Seed = i,
                RepetitionPenalty = i % 2 == 0 ? 1 : 1.2f,
                FrequencyPenalty = i == 4 ? 0.5f : 0,

                // Few tokens to choose from: they come again, and look-up has something to find.
                LogitBias = i == 5 ? new Dictionary<int, float> { [5] = 60, [6] = 60, [7] = 60 } : null,
            },
        },
        EngineHarness.Prompt(10 + i * 17, salt: i)))];

    async Task<(List<string> Fingerprints, Dictionary<(string, int), int[]> Completions, EngineStatistics Statistics)> Run(
        string shape, SchedulerOptions scheduler, bool fewestBlocks, params IDrafter[] drafters)
    {
        var path = _directory.File($"{shape}.gguf");
        if (!File.Exists(path))
            TinyModel.Build(path, Shape(shape));
        var options = new EngineOptions { Scheduler = scheduler, Speculation = new SpeculationOptions { IsAdaptive = false } };
        var loader = new ModelLoader(
            _device, new ModelLoadOptions { ContextLength = 256, Engine = options, MemoryBytes = fewestBlocks ? 0 : long.MaxValue });
        var model = loader.Load(new ModelSource(path), new Progress<double>(), CancellationToken.None);
        await using var engine = new InferenceEngine(
            "tiny", model, options, _metrics, TimeProvider.System, NullLogger<InferenceEngine>.Instance, _ => drafters);

        var workload = Workload();
        var generations = await Task.WhenAll(workload.Select(item =>
            CollectedGeneration.FromAsync(engine.Submit(item.Request, item.Prompt).Events.ReadAllAsync(CancellationToken.None))));
        var completions = new Dictionary<(string, int), int[]>();
        foreach (var (generation, (request, prompt)) in generations.Zip(workload))
            for (var choice = 0; choice < request.Choices; choice++)
                completions[(OracleDrafter.KeyOf(prompt), choice)] = EngineHarness.TokensOf(generation, choice);
        var fingerprints = generations.Zip(workload, (generation, item) => string.Join('|', Enumerable.Range(0, item.Request.Choices).Select(choice =>
            string.Join(' ', generation.Tokens(choice).Select(token =>
                $"{token.TokenId}:{BitConverter.SingleToInt32Bits(token.Logprob!.Value):x8}:{token.Top[1].TokenId}"))))).ToList();
        return (fingerprints, completions, await engine.CheckIntegrityAsync());
    }

    [Theory]
    [InlineData("llama", 512, false)]
    [InlineData("llama", 5, true)]
    [InlineData("qwen3", 33, false)]
    [InlineData("Q8_0", 16, false)]
    [InlineData("Q4_K", 512, true)]
    [InlineData("window", 33, true)]
    public async Task Tokens_and_log_probabilities_are_bit_for_bit_those_without_drafts(string shape, int chunk, bool fewestBlocks)
    {
        var plain = await Run(shape, new SchedulerOptions(), fewestBlocks: false);
        var scheduler = new SchedulerOptions { MaxPrefillTokens = chunk };
        foreach (var errors in new[] { 0, 0.2 })
        {
            var guessed = await Run(shape, scheduler, fewestBlocks, new OracleDrafter(plain.Completions, new Random(1), errors));
            Assert.Equal(plain.Fingerprints, guessed.Fingerprints);
            Assert.InRange(guessed.Statistics.DraftAcceptance, errors == 0 ? 1 : 0.1, errors == 0 ? 1 : 0.9);
        }

        Assert.Equal(plain.Fingerprints, (await Run(shape, scheduler, fewestBlocks, new HostileDrafter(new Random(2)))).Fingerprints);
        var lookedUp = await Run(shape, scheduler, fewestBlocks, new PromptLookupDrafter());
        Assert.Equal(plain.Fingerprints, lookedUp.Fingerprints);
        Assert.True(lookedUp.Statistics.DraftTokens > 0, "nothing was looked up, so nothing was tested");
    }

    public void Dispose()
    {
        _device.Dispose();
        _metrics.Dispose();
        _directory.Dispose();
    }
}
