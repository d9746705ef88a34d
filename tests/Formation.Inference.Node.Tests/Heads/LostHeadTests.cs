using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Testing.Fakes;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>Heads are lost while they work on requests, in every way and at every event; the reader sees the undisturbed stream.</summary>
public sealed class LostHeadTests : IAsyncDisposable
{
    readonly TinyServer[] _servers = [new(contextLength: 192), new(contextLength: 192)];

    public static TheoryData<string> Kinds => ["greedy", "seeded", "choices with log-probabilities", "stop strings", "without a seed"];

    static GenerationRequest Request(string kind)
    {
        var request = TinyServer.Request("What is it that the world is made of?", maxTokens: 20) with
        {
            Sampling = new SamplingParams { Temperature = 0 },
            Stop = new StopConditions { MaxTokens = 20, IgnoreEndOfGeneration = true },
        };
        return kind switch
        {
            "seeded" => request with { Sampling = new SamplingParams { Seed = 3, TopP = 0.9f, RepetitionPenalty = 1.2f, FrequencyPenalty = 0.3f } },
            "choices with log-probabilities" => request with
            {
                Choices = 3,
                Logprobs = new LogprobOptions(2),
                EchoPrompt = true,
                Sampling = new SamplingParams { Seed = 4 },
            },
            "stop strings" => request with
            {
                Choices = 2,
                Sampling = new SamplingParams { Seed = 11 },
                Stop = request.Stop with { MinTokens = 4, Strings = ["e", "or", "the "] },
            },
            "without a seed" => request with
            {
                Sampling = new SamplingParams { LogitBias = new Dictionary<int, float> { [40] = 2 } },
                Prompt = new ChatPrompt([new ChatMessage("user", "Hello")]),
            },
            _ => request,
        };
    }

    /// <summary>All that a reader sees, but how text is cut into deltas.</summary>
    static string Fingerprint(CollectedGeneration generation, int choices)
    {
        Assert.Null(generation.Error);
        Assert.Single(generation.Events.OfType<GenerationStarted>());
        return string.Join('\n', Enumerable.Range(0, choices).Select(choice =>
        {
            var finished = generation.Finished(choice);
            var tokens = generation.EchoTokens(choice).Concat(generation.Tokens(choice)).Select(token =>
                $"{token.TokenId}:{token.Logprob:R}[{string.Join(',', token.Top.Select(top => $"{top.TokenId}:{top.Logprob:R}"))}]");
            return $"{generation.PromptTokens}|{generation.Text(choice)}|{generation.Echo(choice)}|{string.Join(' ', tokens)}|"
                + $"{finished.Reason} {finished.CompletionTokens} {finished.StopString} {finished.StopTokenId}";
        }));
    }

    static Task<CollectedGeneration> RunAsync(HeadNetwork network, GenerationRequest request) =>
        CollectedGeneration.FromAsync(network.Backend.GenerateAsync(request, TestContext.Current.CancellationToken));

    /// <summary>Reads a stream, and does something behind each of some events.</summary>
    static Task<CollectedGeneration> RunAsync(HeadNetwork network, GenerationRequest request, Action<int> behindEvent)
    {
        return CollectedGeneration.FromAsync(Read());

        async IAsyncEnumerable<GenerationEvent> Read()
        {
            var count = 0;
            await foreach (var next in network.Backend.GenerateAsync(request, TestContext.Current.CancellationToken))
            {
                yield return next;
                behindEvent(count++);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Connections_that_break_behind_any_event_change_nothing(string kind)
    {
        await using var network = new HeadNetwork([.. _servers.Select(server => server.Backend)]);
        var request = Request(kind);
        var whole = await RunAsync(network, request);
        var expected = Fingerprint(whole, request.Choices);
        for (var cut = 0; cut < whole.Events.Count; cut++)
        {
            var generation = await RunAsync(network, request, count =>
            {
                if (count == cut)
                    network.CutAll();
            });
            Assert.Equal(expected, Fingerprint(generation, request.Choices));
        }

        await IsIdleAsync(network);
    }

    [Fact]
    public async Task Connections_that_break_again_and_again_change_nothing()
    {
        await using var network = new HeadNetwork([.. _servers.Select(server => server.Backend)]);
        foreach (var kind in Kinds.Select(kind => kind.Data))
        {
            var request = Request(kind);
            var expected = Fingerprint(await RunAsync(network, request), request.Choices);
            var random = new Random(5);
            var generation = await RunAsync(network, request, _ =>
            {
                if (random.Next(3) == 0)
                    network.CutAll();
            });
            Assert.Equal(expected, Fingerprint(generation, request.Choices));
        }
    }

    [Fact]
    public async Task Heads_that_leave_in_order_hand_their_requests_on()
    {
        await using var network = new HeadNetwork([.. _servers.Select(server => server.Backend)]);
        var request = Request("choices with log-probabilities");
        var expected = Fingerprint(await RunAsync(network, request), request.Choices);
        var generation = await RunAsync(network, request, count =>
        {
            if (count == 5)
                network.Heads.Single(head => network.Backend.RequestsInFlight(head.Replica.Id) > 0).Server.Leave();
        });
        Assert.Equal(expected, Fingerprint(generation, request.Choices));
    }

    [Fact]
    public async Task Twenty_streams_survive_their_head_together()
    {
        await using var network = new HeadNetwork([.. _servers.Select(server => server.Backend)]);
        var requests = Enumerable.Range(0, 20).Select(i => Request("seeded") with { RequestId = $"{i}", Sampling = new SamplingParams { Seed = i } }).ToList();
        var expected = await Task.WhenAll(requests.Select(request => RunAsync(network, request)));
        var cuts = 0;
        var disturbed = await Task.WhenAll(requests.Select(request => RunAsync(network, request, count =>
        {
            if (count % 7 == 3 && Interlocked.Increment(ref cuts) % 5 == 0)
                network.Heads[cuts % 2].Way.Cut();
        })));
        Assert.Equal(expected.Select(generation => Fingerprint(generation, 1)), disturbed.Select(generation => Fingerprint(generation, 1)));
        Assert.True(cuts > 5);
    }

    [Fact]
    public async Task A_way_that_falls_silent_is_given_up_at_both_ends_and_the_stream_goes_on()
    {
        var heartbeat = new HeartbeatOptions { Interval = TimeSpan.FromMilliseconds(100), Lease = TimeSpan.FromMilliseconds(500) };
        await using var network = new HeadNetwork(
            [.. _servers.Select(server => server.Backend)], server: new HeadServerOptions { Heartbeat = heartbeat },
            client: new HeadClientOptions { Heartbeat = heartbeat });
        var request = Request("seeded") with { Stop = new StopConditions { MaxTokens = 100, IgnoreEndOfGeneration = true } };
        var expected = Fingerprint(await RunAsync(network, request), 1);
        TestHead? silent = null;
        var generation = await RunAsync(network, request, count =>
        {
            if (count != 1)
                return;
            silent = network.Heads.Single(head => network.Backend.RequestsInFlight(head.Replica.Id) > 0);
            silent.Way.FallSilent();
        });
        Assert.Equal(expected, Fingerprint(generation, 1));
        await Eventually.TrueAsync(() => silent!.OpenConnections == 0);
        await IsIdleAsync(network);
    }

    Task IsIdleAsync(HeadNetwork network) => Eventually.TrueAsync(async () =>
        network.Heads.Sum(head => head.Server.RunningRequests) == 0
        && (await Task.WhenAll(_servers.Select(server => server.CheckIntegrityAsync()))).Sum(statistics => statistics.HeldBlocks) == 0);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }
}
