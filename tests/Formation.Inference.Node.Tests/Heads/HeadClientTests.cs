using System.Diagnostics;
using System.Runtime.CompilerServices;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Heads;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>One gateway and one head over TLS: connections, their limits, and what happens to work that nobody wants any more.</summary>
public sealed class HeadClientTests
{
    static async Task<List<GenerationEvent>> RunAsync(HeadNetwork network, GenerationRequest? request = null, CancellationToken cancellationToken = default)
    {
        var events = new List<GenerationEvent>();
        await foreach (var next in network.Client.GenerateAsync(network.Heads[0].Replica, request ?? FakeBackend.Request, cancellationToken))
            events.Add(next);
        return events;
    }

    static async Task<HeadLoss> LossAsync(HeadNetwork network, Replica? replica = null)
    {
        var loss = await Assert.ThrowsAsync<HeadLostException>(async () =>
        {
            await foreach (var _ in network.Client.GenerateAsync(replica ?? network.Heads[0].Replica, FakeBackend.Request, default))
            {
            }
        });
        return loss.Loss;
    }

    static int Idle(HeadNetwork network) => network.Client.IdleConnections(network.Heads[0].Replica.HeadPin);

    /// <summary>Starts a request and waits until the head works on it.</summary>
    static async Task<IAsyncEnumerator<GenerationEvent>> BeginAsync(HeadNetwork network, CancellationToken cancellationToken = default)
    {
        var events = network.Client.GenerateAsync(network.Heads[0].Replica, FakeBackend.Request, cancellationToken).GetAsyncEnumerator(cancellationToken);
        Assert.True(await events.MoveNextAsync());
        return events;
    }

    [Fact]
    public async Task One_connection_serves_one_request_after_the_other()
    {
        await using var network = new HeadNetwork([new FakeBackend(FakeBackend.Hello)]);
        for (var i = 0; i < 5; i++)
        {
            var events = await RunAsync(network);
            Assert.Equal("Hello", Assert.IsType<GenerationDelta>(events[1]).Text.Value);
            await Eventually.TrueAsync(() => Idle(network) == 1);
        }

        Assert.Equal(1, network.Heads[0].Way.Opened);
    }

    [Fact]
    public async Task More_idle_connections_than_are_wanted_are_closed()
    {
        await using var network = new HeadNetwork([FakeBackend.Silent()], client: new HeadClientOptions { MaxIdlePerHead = 2 });
        var requests = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => BeginAsync(network)));
        Assert.Equal(5, network.Heads[0].OpenConnections);
        foreach (var request in requests)
            await request.DisposeAsync();
        await Eventually.TrueAsync(() => network.Heads[0].OpenConnections == 2);
        Assert.Equal(2, Idle(network));
    }

    [Fact]
    public async Task A_connection_that_nobody_uses_for_long_is_closed()
    {
        var clock = new FakeTimeProvider();
        await using var network = new HeadNetwork([new FakeBackend(FakeBackend.Hello)], clock, client: new HeadClientOptions
        {
            IdleTime = TimeSpan.FromSeconds(20),
            Heartbeat = new() { Interval = TimeSpan.FromHours(1), Lease = TimeSpan.FromHours(2) },
        });
        await RunAsync(network);
        await Eventually.TrueAsync(() => Idle(network) == 1);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, Idle(network));
        clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => network.Heads[0].OpenConnections == 0);
        Assert.Equal("Hello", Assert.IsType<GenerationDelta>((await RunAsync(network))[1]).Text.Value);
    }

    [Fact]
    public async Task An_idle_connection_that_breaks_is_dropped_at_once()
    {
        await using var network = new HeadNetwork([new FakeBackend(FakeBackend.Hello)]);
        await RunAsync(network);
        await Eventually.TrueAsync(() => Idle(network) == 1);
        network.CutAll();
        await Eventually.TrueAsync(() => Idle(network) == 0);
        Assert.Equal(3, (await RunAsync(network)).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Work_that_nobody_wants_ends_at_the_head_and_leaves_the_connection_for_the_next(bool byToken)
    {
        var backend = FakeBackend.Silent();
        await using var network = new HeadNetwork([backend]);
        for (var i = 0; i < 3; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var events = await BeginAsync(network, cancellation.Token);
            if (byToken)
            {
                var next = events.MoveNextAsync();
                cancellation.Cancel();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
            }

            await events.DisposeAsync();
            await Eventually.TrueAsync(() => backend.Open == 0 && Idle(network) == 1);
        }

        Assert.Equal(1, network.Heads[0].Way.Opened);
    }

    [Fact]
    public async Task A_head_that_does_not_end_cancelled_work_loses_the_connection()
    {
        var release = new TaskCompletionSource();
        await using var network = new HeadNetwork(
            [new FakeBackend((_, _) => Stubborn(release.Task))],
            client: new HeadClientOptions { CancelTimeout = TimeSpan.FromMilliseconds(50), MaxConnectionsPerHead = 1 });
        await (await BeginAsync(network)).DisposeAsync();

        // Its place is free for another request when it was given up, and only then.
        await Eventually.TrueAsync(async () =>
        {
            await using var next = await BeginAsync(network);
            return next.Current is GenerationStarted;
        });
        Assert.Equal((2, 2), (network.Heads[0].Way.Opened, network.Heads[0].Server.RunningRequests));
        release.SetResult();
        await Eventually.TrueAsync(() => network.Heads[0].Server.RunningRequests == 0);

        static async IAsyncEnumerable<GenerationEvent> Stubborn(Task release)
        {
            yield return new GenerationStarted(3);
            await release;
        }
    }

    [Fact]
    public async Task Requests_on_one_head_are_bounded_at_the_gateway()
    {
        await using var network = new HeadNetwork([FakeBackend.Silent()], client: new HeadClientOptions { MaxConnectionsPerHead = 1 });
        var first = await BeginAsync(network);
        var failed = Assert.IsType<GenerationFailed>(Assert.Single(await RunAsync(network)));
        Assert.Equal(GenerationErrorKind.QueueFull, failed.Error.Kind);
        await first.DisposeAsync();
        await Eventually.TrueAsync(() => Idle(network) == 1);
        await (await BeginAsync(network)).DisposeAsync();
    }

    [Fact]
    public async Task Connections_of_one_gateway_are_bounded_at_the_head()
    {
        await using var network = new HeadNetwork([FakeBackend.Silent()], server: new HeadServerOptions { MaxConnectionsPerPeer = 2 });
        var (first, second) = (await BeginAsync(network), await BeginAsync(network));
        Assert.Contains(await LossAsync(network), (HeadLoss[])[HeadLoss.Leaving, HeadLoss.Broken]);
        await first.DisposeAsync();
        await second.DisposeAsync();
        await Eventually.TrueAsync(() => Idle(network) == 2);
    }

    [Fact]
    public async Task A_fault_of_the_backend_costs_its_request_and_not_the_connection()
    {
        var asked = 0;
        await using var network = new HeadNetwork([new FakeBackend((_, _) => asked++ == 0 ? Faulty() : FakeBackend.Hello.ToAsyncEnumerable())]);
        Assert.Equal(HeadLoss.Failed, await LossAsync(network));
        await Eventually.TrueAsync(() => Idle(network) == 1);
        Assert.Equal(3, (await RunAsync(network)).Count);
        Assert.Equal(1, network.Heads[0].Way.Opened);

        static async IAsyncEnumerable<GenerationEvent> Faulty()
        {
            yield return new GenerationStarted(3);
            await Task.Yield();
            throw new InvalidOperationException("secret");
        }
    }

    [Fact]
    public async Task A_head_that_leaves_says_so_to_requests_and_idle_connections()
    {
        var backend = FakeBackend.Silent();
        await using var network = new HeadNetwork([backend]);
        var (idle, running) = (await BeginAsync(network), await BeginAsync(network));
        await idle.DisposeAsync();
        await Eventually.TrueAsync(() => Idle(network) == 1);
        network.Heads[0].Server.Leave();
        Assert.Equal(HeadLoss.Leaving, (await Assert.ThrowsAsync<HeadLostException>(async () => await running.MoveNextAsync())).Loss);
        await Eventually.TrueAsync(() => Idle(network) == 0 && network.Heads[0].OpenConnections == 0 && backend.Open == 0);
    }

    [Fact]
    public async Task A_head_that_is_not_there_or_is_somebody_else_can_not_be_reached()
    {
        await using var network = new HeadNetwork([new FakeBackend(FakeBackend.Hello), new FakeBackend(FakeBackend.Hello)]);
        Assert.Equal(HeadLoss.Unreachable, await LossAsync(network, network.Heads[0].Replica with { Addresses = ["127.0.0.1:1"] }));
        var mistaken = network.Heads[0].Replica with { HeadPin = network.Heads[1].Replica.HeadPin };
        Assert.Equal(HeadLoss.Unreachable, await LossAsync(network, mistaken));
    }

    [Fact]
    public async Task Long_deltas_and_echoes_arrive_whole()
    {
        var text = string.Concat(Enumerable.Range(0, 300_000).Select(i => (i % 10).ToString()));
        var tokens = Enumerable.Range(0, 20_000)
            .Select(i => new TokenLogprob(i, new byte[] { 1, 2 }, -1, [new TokenAlternative(i, new byte[] { 3 }, -2)])).ToList();
        await using var network = new HeadNetwork([new FakeBackend(
            new GenerationStarted(3),
            new GenerationDelta(0, text, tokens) { IsEcho = true },
            new GenerationDelta(0, text, tokens) { TokenIds = [.. tokens.Select(token => token.TokenId)] },
            new GenerationFinished(0, FinishReason.Stop, 20_000))]);
        var events = await RunAsync(network, FakeBackend.Request with { EchoPrompt = true, Logprobs = new LogprobOptions(1) });
        var echo = Assert.Single(events.OfType<GenerationDelta>(), delta => delta.IsEcho);
        Assert.Equal((text, 20_000), (echo.Text.Value, echo.Tokens.Count));
        var parts = events.OfType<GenerationDelta>().Where(delta => !delta.IsEcho).ToList();
        Assert.Equal(text, string.Concat(parts.Select(part => part.Text.Value)));
        Assert.Equal(tokens.Select(token => token.TokenId), parts.SelectMany(part => part.TokenIds));
        Assert.Equal(20_000, parts.Sum(part => part.Tokens.Count));
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_answered_here()
    {
        var backend = new FakeBackend(FakeBackend.Hello);
        await using var network = new HeadNetwork([backend]);
        var failed = Assert.IsType<GenerationFailed>(Assert.Single(
            await RunAsync(network, FakeBackend.Request with { Prompt = new TextPrompt(new string('x', 33 << 20)) })));
        Assert.Equal(GenerationErrorKind.InvalidRequest, failed.Error.Kind);
        Assert.Null(backend.Last);
    }

    [Fact]
    public async Task A_large_request_arrives_whole_and_its_memory_is_given_back()
    {
        var backend = new FakeBackend(FakeBackend.Hello);
        await using var network = new HeadNetwork([backend]);
        var prompt = string.Concat(Enumerable.Range(0, 1 << 20).Select(i => (char)('a' + i % 26)));
        await RunAsync(network, FakeBackend.Request with { Prompt = new TextPrompt(prompt) });
        Assert.Equal(prompt, Assert.IsType<TextPrompt>(backend.Last!.Prompt).Text.Value);
        await Eventually.TrueAsync(() => network.Heads[0].Server.IncomingBytes == 0);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_the_head_up()
    {
        var said = 0;
        await using var network = new HeadNetwork([new FakeBackend((_, cancellationToken) => Endless(cancellationToken))]);
        var events = await BeginAsync(network);
        var before = -1;
        await Eventually.TrueAsync(async () =>
        {
            (var last, before) = (before, Volatile.Read(ref said));
            await Task.Delay(100);
            return last == before;
        });

        // What sockets and buffers take, and far less than what would come.
        Assert.InRange(before, 1, 5000);
        await events.MoveNextAsync();
        await events.DisposeAsync();

        async IAsyncEnumerable<GenerationEvent> Endless([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return new GenerationStarted(3);
            while (said < 100_000)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
                yield return new GenerationDelta(0, new string('x', 10_000), []);
                Interlocked.Increment(ref said);
            }
        }
    }

    [Fact]
    public async Task The_head_works_in_the_callers_trace()
    {
        using var source = new ActivitySource("test gateway");
        var (spans, seen) = (new List<Activity>(), default(ActivityContext));
        using var listener = new ActivityListener
        {
            ShouldListenTo = heard => heard == source || heard.Name == NodeTraces.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var network = new HeadNetwork([new FakeBackend((_, _) =>
        {
            seen = Activity.Current?.Context ?? default;
            return FakeBackend.Hello.ToAsyncEnumerable();
        })]);
        using var caller = source.StartActivity("request")!;
        caller.TraceStateString = "vendor=value";
        await RunAsync(network);
        await Eventually.TrueAsync(() =>
        {
            lock (spans)
                return spans.Any(span => span.TraceId == caller.TraceId);
        });
        var server = spans.Single(span => span.TraceId == caller.TraceId);
        Assert.Equal((caller.SpanId, ActivityKind.Server, "vendor=value"), (server.ParentSpanId, server.Kind, server.TraceStateString));
        Assert.Equal((caller.TraceId, server.SpanId), (seen.TraceId, seen.SpanId));
        Assert.DoesNotContain(server.TagObjects, tag => tag.Value is "prompt" or "account");
    }

    [Fact]
    public async Task A_client_that_is_closed_leaves_no_connection()
    {
        await using var network = new HeadNetwork([new FakeBackend(FakeBackend.Hello)]);
        await RunAsync(network);
        await Eventually.TrueAsync(() => Idle(network) == 1);
        await network.Client.DisposeAsync();
        await Eventually.TrueAsync(() => network.Heads[0].OpenConnections == 0);
    }
}
