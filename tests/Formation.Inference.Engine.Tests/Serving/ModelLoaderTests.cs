using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class ModelLoaderTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();
    readonly CpuDevice _device = new(threads: 1);

    ModelSource Source(TinyModelOptions options)
    {
        var path = _directory.File("model.gguf");
        TinyModel.Build(path, options);
        return new ModelSource(path);
    }

    ModelLoader Loader(int? context = null, long memory = long.MaxValue, int parallel = 4) => new(_device, new ModelLoadOptions
    {
        ContextLength = context,
        MemoryBytes = memory,
        Engine = new EngineOptions { Scheduler = new SchedulerOptions { MaxRunningSequences = parallel } },
    });

    sealed class Reports : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public void Report(double value) => Values.Add(value);
    }

    [Fact]
    public void A_loaded_model_takes_what_its_header_promised()
    {
        var source = Source(TinyServer.Small);
        var footprint = Loader().Measure(source);
        var reports = new Reports();
        using var model = Loader().Load(source, reports, CancellationToken.None);
        Assert.Equal((footprint.MemoryBytes, footprint.ContextLength), (model.MemoryBytes, model.ContextLength));
        Assert.Equal(512, model.ContextLength);
        Assert.Equal(1, reports.Values[^1]);
        Assert.Equal(reports.Values.Order(), reports.Values);
    }

    [Fact]
    public void The_operators_context_limits_the_models()
    {
        using var model = Loader(context: 100).Load(Source(TinyServer.Small), new Reports(), CancellationToken.None);
        Assert.Equal(100, model.ContextLength);
        Assert.Equal(400, model.BlockCount * model.BlockSize, tolerance: 16);
    }

    [Fact]
    public void With_less_memory_a_model_gets_fewer_blocks_down_to_a_useful_number()
    {
        var source = Source(TinyServer.Small with { ContextLength = 4096 });
        var all = Loader().Measure(source);
        using var plenty = Loader().Load(source, new Reports(), CancellationToken.None);
        using var less = Loader(memory: all.MemoryBytes - 100_000).Load(source, new Reports(), CancellationToken.None);
        Assert.InRange(less.BlockCount, 1, plenty.BlockCount - 1);
        Assert.InRange(less.MemoryBytes, 0, all.MemoryBytes - 100_000);

        var fewest = Loader(memory: 1).Measure(source);
        Assert.Equal(256, fewest.ContextLength);
        Assert.True(fewest.MemoryBytes > 1, "what does not fit says how much it needs");
    }

    [Fact]
    public void A_context_that_was_asked_for_is_not_cut()
    {
        var footprint = Loader(context: 4000, memory: 1).Measure(Source(TinyServer.Small with { ContextLength = 4096 }));
        Assert.Equal(4000, footprint.ContextLength);
    }

    const string Thinks = "{% if reasoning_effort %}{{ reasoning_effort }}{% endif %}{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}";

    [Theory]
    [InlineData(TinyModel.ChatMlTemplate, false, true, false, false)]
    [InlineData(TinyModel.ChatMlTemplate, true, true, false, false)]
    [InlineData(Thinks, false, true, true, true)]
    [InlineData("{% broken", true, false, false, false)]
    [InlineData(null, false, true, false, false)]
    public void What_a_model_can_do_is_told_by_its_template_and_its_vocabulary(string? template, bool fillsGaps, bool chats, bool thinks, bool takesEffort)
    {
        var expected = new ModelAbilities(chats, thinks, takesEffort, fillsGaps);
        var source = Source(TinyModelOptions.Llama with { ChatTemplate = template, FillsGaps = fillsGaps });
        using var file = GgufFile.Open(source.Path);
        Assert.Equal(expected, ModelAbilitiesReader.Read(file));
        using var model = Loader().Load(source, new Reports(), CancellationToken.None);
        Assert.Equal(expected, model.Abilities);
    }

    [Fact]
    public void A_damaged_file_is_refused_with_its_fault_and_without_its_path()
    {
        var source = Source(TinyServer.Small);
        File.WriteAllBytes(source.Path, File.ReadAllBytes(source.Path)[..2000]);
        var error = Assert.Throws<ModelLoadException>(() => Loader().Measure(source));
        Assert.Contains("Truncated", error.Message);
        Assert.DoesNotContain("model.gguf", error.Message);
        Assert.NotNull(error.InnerException);
    }

    [Fact]
    public async Task A_draft_model_is_loaded_with_its_model_and_guesses_its_tokens()
    {
        var path = _directory.File("draft.gguf");
        TinyModel.Build(path, TinyServer.Small);
        var source = Source(TinyServer.Small) with { DraftPath = path };
        var footprint = Loader().Measure(source);
        Assert.InRange(footprint.MemoryBytes, Loader().Measure(source with { DraftPath = null }).MemoryBytes + new FileInfo(path).Length, long.MaxValue);

        var model = Loader().Load(source, new Reports(), CancellationToken.None);
        Assert.Equal(footprint.MemoryBytes, model.MemoryBytes);
        var options = new EngineOptions
        {
            Scheduler = new SchedulerOptions { MaxRunningSequences = 4 },
            Speculation = new SpeculationOptions { IsAdaptive = false },
        };
        using var metrics = new EngineMetrics();
        await using var engine = new InferenceEngine(
            "tiny", model, options, metrics, TimeProvider.System, NullLogger<InferenceEngine>.Instance,
            hasher => Drafters.Create(options.Speculation, model, hasher).OfType<ModelDrafter>());
        var request = TinyServer.Request("", maxTokens: 80) with
        {
            Sampling = new SamplingParams { Temperature = 0.8f, Seed = 3 },
            Stop = new StopConditions { MaxTokens = 80, IgnoreEndOfGeneration = true },
        };
        await CollectedGeneration.FromAsync(engine.Submit(request, EngineHarness.Prompt(30)).Events.ReadAllAsync(CancellationToken.None));

        // The weights are the same, so every guess is right.
        var statistics = await engine.CheckIntegrityAsync();
        Assert.Equal((true, 1.0), (statistics.DraftTokens > 20, statistics.DraftAcceptance));
    }

    [Fact]
    public void A_draft_model_that_nobody_wants_is_not_loaded()
    {
        var source = Source(TinyServer.Small) with { DraftPath = "/nowhere" };
        var options = new EngineOptions { Speculation = new SpeculationOptions { Mode = SpeculationMode.Lookup } };
        using var model = new ModelLoader(_device, new ModelLoadOptions { Engine = options }).Load(source, new Reports(), CancellationToken.None);
        Assert.Null(model.Draft);
    }

    [Fact]
    public void A_draft_model_with_another_vocabulary_is_refused_and_the_difference_named()
    {
        var path = _directory.File("draft.gguf");
        TinyModel.Build(path, TinyServer.Small with { VocabularySize = 300 });
        var source = Source(TinyServer.Small) with { DraftPath = path };
        var error = Assert.Throws<ModelLoadException>(() => Loader().Load(source, new Reports(), CancellationToken.None));
        Assert.Contains("draft model has another vocabulary: token ", error.Message);
        Assert.DoesNotContain("draft.gguf", error.Message);
    }

    [Fact]
    public void A_damaged_draft_model_is_told_apart_from_its_model()
    {
        var path = _directory.File("draft.gguf");
        File.WriteAllText(path, "no model");
        var source = Source(TinyServer.Small) with { DraftPath = path };
        Assert.Contains("its draft model's file can't be used", Assert.Throws<ModelLoadException>(() => Loader().Measure(source)).Message);
        Assert.Contains(
            "its draft model's file can't be used",
            Assert.Throws<ModelLoadException>(() => Loader().Load(source, new Reports(), CancellationToken.None)).Message);
    }

    [Fact]
    public void A_load_that_is_cancelled_leaves_nothing_behind()
    {
        var source = Source(TinyServer.Small);
        Assert.ThrowsAny<OperationCanceledException>(() => Loader().Load(source, new Reports(), new CancellationToken(canceled: true)));
        File.Delete(source.Path);
    }

    [Fact]
    public void A_model_with_a_broken_template_serves_completions_and_refuses_conversations_with_the_reason()
    {
        using var model = Loader().Load(Source(TinyServer.Small with { ChatTemplate = "{% for %}" }), new Reports(), CancellationToken.None);
        var encoder = new PromptEncoder(model, model.ContextLength, TimeProvider.System);
        var request = TinyServer.Request("Hello", 1);
        Assert.Null(encoder.Encode(request, CancellationToken.None).Error);
        var error = encoder.Encode(request with { Prompt = new ChatPrompt([new ChatMessage("user", "Hi")]) }, CancellationToken.None).Error!;
        Assert.Equal(GenerationErrorKind.InvalidRequest, error.Kind);
        Assert.Contains("line 1", error.Message);
    }

    [Fact]
    public async Task A_text_scored_as_a_prompt_has_the_log_probabilities_with_which_it_was_generated()
    {
        await using var server = new TinyServer();
        var request = TinyServer.Request("What does the model answer", 40) with
        {
            Logprobs = new LogprobOptions(20),
            Stop = new StopConditions { MaxTokens = 40, IgnoreEndOfGeneration = true },
            Sampling = new SamplingParams { Seed = 2 },
        };
        var generated = (await server.RunAsync(request)).Tokens();
        int[] whole = [.. await server.PromptAsync("What does the model answer"), .. generated.Select(token => token.TokenId)];
        var scored = await server.RunAsync(request with { Prompt = new TokenPrompt(whole), EchoPrompt = true, Stop = new StopConditions { MaxTokens = 0 } });
        Assert.Equal(generated.Select(token => token.Logprob), scored.EchoTokens().TakeLast(40).Select(token => token.Logprob));
        Assert.All(generated, token => Assert.InRange(token.Top.Sum(item => Math.Exp(item.Logprob)), 0, 1.0001));
    }

    [Fact]
    public async Task A_stop_string_taken_from_the_text_ends_it_there()
    {
        await using var server = new TinyServer();
        var request = TinyServer.Request("Hello world", 60) with { Sampling = new SamplingParams { Seed = 3 } };
        request = request with { Stop = request.Stop with { IgnoreEndOfGeneration = true } };
        var whole = (await server.RunAsync(request)).Text();
        var stop = whole.Substring(whole.Length / 2, 4);
        var cut = await server.RunAsync(request with { Stop = request.Stop with { Strings = [stop] } });
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], cut.Text());
        Assert.Equal(stop, cut.Finished().StopString);
    }

    public void Dispose()
    {
        _device.Dispose();
        _directory.Dispose();
    }
}
