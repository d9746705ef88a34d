using System.Diagnostics;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>64 concurrent streams of mixed lengths, a third of them cut off by their readers: no error, no leaked block, memory flat.</summary>
[Collection(AloneCollection.Name)]
public sealed class SoakTests
{
    const int Streams = 64;

    // Room for what the runtime keeps (pooled buffers, jitted code); a leak of one round's state alone is more in a few rounds.
    const long AllowedGrowth = 4 << 20;

    [Fact]
    public Task Many_streams_of_which_a_third_is_cut_off() => Soak(rounds: 3, limit: TimeSpan.MaxValue);

    [Fact]
    [Trait("Category", "Long")]
    public Task Many_streams_for_two_minutes() => Soak(rounds: int.MaxValue, limit: TimeSpan.FromMinutes(2));

    static async Task Soak(int rounds, TimeSpan limit)
    {
        await using var server = new TinyServer(
            TinyServer.Small with { LayerCount = 1 },
            new SchedulerOptions { MaxRunningSequences = 24, MaxPrefillTokens = 128, MaxPrefillTokensBesideDecode = 64 },
            contextLength: 512, fewestBlocks: true);
        await RunStreams(server, round: 0);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var watch = Stopwatch.StartNew();
        for (var round = 1; round <= rounds && watch.Elapsed < limit; round++)
            await RunStreams(server, round);

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, AllowedGrowth);
    }

    static async Task RunStreams(TinyServer server, int round)
    {
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(stream =>
            stream % 3 == 0 ? CutOff(server, round, stream) : RunToEnd(server, round, stream)));

        // Readers that left are dropped at the engine's next step.
        while (await server.CheckIntegrityAsync() is not { HeldBlocks: 0, RunningSequences: 0, WaitingSequences: 0 })
            await Task.Yield();
    }

    static GenerationRequest Request(int round, int stream)
    {
        var random = new Random(round * Streams + stream);
        var maxTokens = random.Next(20, 120);
        return TinyServer.Request(string.Concat(Enumerable.Repeat("hello world ", random.Next(1, 60))), maxTokens, $"{round}/{stream}") with
        {
            AccountId = $"account {stream % 5}",
            Sampling = new SamplingParams { Seed = stream },
            Stop = new StopConditions { MaxTokens = maxTokens, IgnoreEndOfGeneration = true },
            Choices = stream % 9 == 1 ? 3 : 1,
        };
    }

    static async Task RunToEnd(TinyServer server, int round, int stream)
    {
        var request = Request(round, stream);
        var generation = await server.RunAsync(request);
        Assert.Null(generation.Error);
        for (var choice = 0; choice < request.Choices; choice++)
            Assert.Equal(request.Stop.MaxTokens, generation.Finished(choice).CompletionTokens);
    }

    static async Task CutOff(TinyServer server, int round, int stream)
    {
        using var cancellation = new CancellationTokenSource();
        var left = stream % 4;
        try
        {
            await foreach (var _ in server.Backend.GenerateAsync(Request(round, stream), cancellation.Token))
                if (left-- == 0)
                    cancellation.Cancel();
        }
        catch (OperationCanceledException)
        {
        }
    }
}
