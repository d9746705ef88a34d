using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>
/// The same request gives the same tokens alone, among others, with any chunk size and after preemption (docs/architecture.md), on a real
/// model with its real kernels.
/// </summary>
public sealed class DeterminismTests
{
    const string Text = "The answer to the question, as far as this model can tell, is that it does not know what the world is. What does it";
    const int Context = 192;

    // Everything that looks at the history is switched on, and the tokens are compared with their log-probabilities, bit for bit.
    static readonly GenerationRequest Probe = TinyServer.Request(Text, maxTokens: 48) with
    {
        Sampling = new SamplingParams { Temperature = 0.9f, TopP = 0.95f, Seed = 1234, RepetitionPenalty = 1.1f, FrequencyPenalty = 0.2f },
        Stop = new StopConditions { MaxTokens = 48, IgnoreEndOfGeneration = true },
        Logprobs = new LogprobOptions(2),
    };

    public static TheoryData<string> Models => ["llama", "qwen2", "qwen3"];

    static TinyModelOptions Shape(string architecture) => architecture switch
    {
        "qwen2" => TinyModelOptions.Qwen2 with { HiddenSize = 64, FeedForwardSize = 128 },
        "qwen3" => TinyModelOptions.Qwen3 with { HiddenSize = 64, FeedForwardSize = 128, HeadSize = 32 },
        _ => TinyServer.Small,
    };

    static async Task<string> Alone(string architecture)
    {
        await using var server = new TinyServer(Shape(architecture), contextLength: Context);
        return Fingerprint(await server.RunAsync(Probe));
    }

    static string Fingerprint(CollectedGeneration generation)
    {
        Assert.Null(generation.Error);
        Assert.Equal(48, generation.Tokens().Count);
        return string.Join(' ', generation.Tokens().Select(token => $"{token.TokenId}:{BitConverter.SingleToInt32Bits(token.Logprob!.Value):x8}"));
    }

    static IEnumerable<GenerationRequest> Others(int count) => Enumerable.Range(0, count).Select(i =>
        TinyServer.Request(string.Concat(Enumerable.Repeat($"{i} hello world ", i % 7 + 1)), maxTokens: 10 + i * 2 % 50, id: $"other {i}") with
        {
            AccountId = $"account {i % 3}",
            Sampling = new SamplingParams { Seed = i },
            Choices = i % 5 == 0 ? 2 : 1,
        });

    static async Task<string> Among(TinyServer server, int others)
    {
        var rest = Others(others).ToList();
        var first = rest.Take(others / 2).Select(request => server.RunAsync(request)).ToList();
        var probe = server.RunAsync(Probe);
        var last = rest.Skip(others / 2).Select(request => server.RunAsync(request)).ToList();
        Assert.All(await Task.WhenAll(first.Concat(last)), generation => Assert.Null(generation.Error));
        var fingerprint = Fingerprint(await probe);
        Assert.Equal(0, (await server.CheckIntegrityAsync()).HeldBlocks);
        return fingerprint;
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task Among_31_other_requests_the_tokens_are_the_same(string architecture)
    {
        await using var server = new TinyServer(Shape(architecture), contextLength: Context);
        Assert.Equal(await Alone(architecture), await Among(server, others: 31));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(33)]
    public async Task With_any_chunk_size_the_tokens_are_the_same(int chunk)
    {
        await using var server = new TinyServer(scheduler: new SchedulerOptions { MaxPrefillTokens = chunk }, contextLength: Context);
        Assert.Equal(await Alone("llama"), Fingerprint(await server.RunAsync(Probe)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task After_preemption_the_tokens_are_the_same(string architecture)
    {
        // 16 blocks, of which four older sequences of the same account want ten each: the probe, as the newest, gives way first.
        await using var server = new TinyServer(
            Shape(architecture), new SchedulerOptions { MaxPrefillTokens = 24, MaxPrefillTokensBesideDecode = 16 }, contextLength: 256, fewestBlocks: true);
        var alone = await Alone(architecture);
        for (var attempt = 0; (await server.CheckIntegrityAsync()).Preemptions == 0; attempt++)
        {
            Assert.True(attempt < 20, "no sequence was preempted, so nothing was tested");
            var older = Enumerable.Range(0, 4).Select(i => server.RunAsync(TinyServer.Request($"{attempt} {i}", maxTokens: 150) with
            {
                Stop = new StopConditions { MaxTokens = 150, IgnoreEndOfGeneration = true },
            })).ToList();
            Assert.Equal(alone, Fingerprint(await server.RunAsync(Probe)));
            await Task.WhenAll(older);
        }
    }

    [Fact]
    public async Task With_a_cached_prompt_the_tokens_are_the_same()
    {
        await using var server = new TinyServer(contextLength: Context);
        var first = Fingerprint(await server.RunAsync(Probe));
        var again = await server.RunAsync(Probe);
        Assert.True(again.Finished().CachedPromptTokens > 0);
        Assert.Equal(first, Fingerprint(again));
    }

    [Fact]
    public async Task Blocks_that_were_generated_serve_a_follow_up_turn_as_if_they_were_computed_afresh()
    {
        await using var warm = new TinyServer(contextLength: Context);
        var answer = await warm.RunAsync(Probe);
        var prompt = await warm.PromptAsync(Text);
        int[] history = [.. prompt, .. answer.Tokens().Select(token => token.TokenId), 5, 6, 7];
        var followUp = Probe with { Prompt = new TokenPrompt(history) };
        var continued = await warm.RunAsync(followUp);
        Assert.True(continued.Finished().CachedPromptTokens > prompt.Length);

        await using var cold = new TinyServer(contextLength: Context);
        Assert.Equal(Fingerprint(await cold.RunAsync(followUp)), Fingerprint(continued));
    }

    [Fact]
    public async Task A_seed_gives_the_same_choices_again_and_another_seed_gives_others()
    {
        await using var server = new TinyServer(contextLength: Context);
        var request = Probe with { Choices = 3 };
        var (first, again) = (await server.RunAsync(request), await server.RunAsync(request));
        var other = await server.RunAsync(request with { Sampling = request.Sampling with { Seed = 4321 } });
        for (var choice = 0; choice < 3; choice++)
        {
            Assert.Equal(first.Text(choice), again.Text(choice));
            Assert.NotEqual(first.Text(choice), other.Text(choice));
        }

        Assert.NotEqual(first.Text(0), first.Text(1));
    }
}
