using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

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
