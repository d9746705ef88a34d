using Formation.Inference.Cluster.Tests.Fakes;
using static Formation.Inference.Cluster.Tests.Routing.ClusterBackendHarness;

namespace Formation.Inference.Cluster.Tests.Routing;

/// <summary>Heads that say what no honest one says: they are lost to the request, another one goes on, and none of it reaches the reader.</summary>
public sealed class HostileHeadTests : IDisposable
{
    static readonly GenerationStarted Started = new(3) { MaxTokens = 10 };

    readonly ClusterBackendHarness _harness = new("hostile", "honest");

    static GenerationDelta Delta(int choice, string text, params int[] ids) => new(choice, text, []) { TokenIds = ids };

    static GenerationFinished End(int choice, int tokens) => new(choice, FinishReason.Stop, tokens);

    public static TheoryData<string, GenerationEvent[]> Lies => new()
    {
        { "no start", [Delta(0, "x", 1)] },
        { "an end before the start", [End(0, 1)] },
        { "two starts", [Started, Started] },
        { "no tokens in the prompt", [new GenerationStarted(0)] },
        { "a negative limit", [new GenerationStarted(3) { MaxTokens = -1 }] },
        { "a choice that does not exist", [Started, Delta(2, "x", 1)] },
        { "a negative choice", [Started, Delta(-1, "x", 1)] },
        { "an echo that nobody wants", [Started, Delta(0, "x") with { IsEcho = true }] },
        { "log-probabilities that nobody wants", [Started, new GenerationDelta(0, "", [new TokenLogprob(1, default, 0, [])])] },
        { "a delta that says nothing", [Started, Delta(0, "")] },
        { "more tokens than there may be", [Started, Delta(0, "", [.. Enumerable.Range(0, 11)])] },
        { "a negative token", [Started, Delta(0, "", -1)] },
        { "fewer tokens in the end than came", [Started, Delta(0, "", 0, 1), End(0, 1)] },
        { "more tokens in the end than there may be", [Started, End(0, 11)] },
        { "more cached than the prompt has", [Started, End(0, 1) with { CachedPromptTokens = 4 }] },
        { "log-probabilities of the end that nobody wants", [Started, End(0, 1) with { EndTokens = [new TokenLogprob(1, default, 0, [])] }] },
        { "text behind an end", [Started, End(1, 10), Delta(1, "x")] },
        { "an end twice", [Started, End(1, 10), End(1, 10)] },
        { "the end of the stream in the middle", [Started, Delta(0, "0.0,", 0)] },
    };

    public void Dispose() => _harness.Dispose();

    [Theory]
    [MemberData(nameof(Lies), DisableDiscoveryEnumeration = true)]
    public async Task Another_head_takes_over(string lie, GenerationEvent[] events)
    {
        _harness.Heads.Script("hostile", _ => events.ToAsyncEnumerable());
        var request = Request(choices: 2);
        var seen = await _harness.RunAsync(request);
        Assert.Equal(["hostile", "honest"], _harness.Asked);
        Assert.True(seen.OfType<GenerationStarted>().Count() == 1, lie);
        Assert.Empty(seen.OfType<GenerationFailed>());
        Assert.Equal([0, 1], seen.OfType<GenerationFinished>().Select(finished => finished.Choice).Order());
    }

    [Fact]
    public async Task An_echo_that_is_left_out_or_comes_twice_is_seen()
    {
        var request = Request() with { EchoPrompt = true };
        _harness.Heads.Script("hostile", _ => new GenerationEvent[] { Started, Delta(0, "x", 1) }.ToAsyncEnumerable());
        AssertWhole(await _harness.RunAsync(request), request);
        var echo = new GenerationDelta(0, "prompt", []) { IsEcho = true };
        _harness.Clock.Advance(TimeSpan.FromSeconds(10));
        _harness.Heads.Script("hostile", _ => new GenerationEvent[] { Started, echo, echo }.ToAsyncEnumerable());
        var seen = await _harness.RunAsync(request);
        Assert.Single(seen.OfType<GenerationDelta>(), delta => delta.IsEcho);
        AssertWhole(seen, request);
    }

    [Fact]
    public async Task A_prompt_that_is_shown_otherwise_than_it_was_counted_is_seen()
    {
        static GenerationDelta Shown(int choice, int tokens) =>
            new(choice, "prompt", [.. Enumerable.Repeat(new TokenLogprob(0, default, null, []), tokens)]) { IsEcho = true };
        var request = Request(choices: 0) with { EchoPrompt = true };
        foreach (GenerationEvent[] lie in (GenerationEvent[][])[[Started, Shown(0, 2)], [Started, Shown(1, 3)], [Started, Delta(0, "x", 1)], [Started, End(0, 0)], [Started]])
        {
            using var harness = new ClusterBackendHarness("hostile", "honest");
            harness.Heads.Script("hostile", _ => lie.ToAsyncEnumerable());
            harness.Heads.Script("honest", _ => new GenerationEvent[] { Started, Shown(0, 3) }.ToAsyncEnumerable());
            var seen = await harness.RunAsync(request);
            Assert.Equal(["hostile", "honest"], harness.Asked);
            Assert.Collection(seen, item => Assert.IsType<GenerationStarted>(item), item => Assert.Equal(3, Assert.IsType<GenerationDelta>(item).Tokens.Count));
        }
    }

    [Fact]
    public async Task Log_probabilities_of_other_tokens_than_those_that_came_are_seen()
    {
        var request = Request() with { Logprobs = new LogprobOptions(0) };
        var token = new TokenLogprob(0, default, -1, []);
        _harness.Heads.Script("hostile", _ => new GenerationEvent[]
        {
            Started, new GenerationDelta(0, "0.0,", [token, token]) { TokenIds = [0] },
        }.ToAsyncEnumerable());
        AssertWhole(await _harness.RunAsync(request), request);
        Assert.Equal(["hostile", "honest"], _harness.Asked);
    }

    [Fact]
    public async Task A_head_that_sees_another_prompt_than_the_one_before_is_not_believed()
    {
        using var harness = new ClusterBackendHarness("first", "hostile", "honest");
        harness.Heads.Lose("first", Cluster.Routing.HeadLoss.Broken, request => ScriptedHeads.Honest(request).Take(4));
        harness.Heads.Script("hostile", _ => new GenerationEvent[] { new GenerationStarted(4) { MaxTokens = 10 } }.ToAsyncEnumerable());
        AssertWhole(await harness.RunAsync());
        Assert.Equal(["first", "hostile", "honest"], harness.Asked);
    }

    [Fact]
    public async Task What_a_head_makes_the_gateway_keep_is_bounded_where_nobody_gives_a_limit()
    {
        var sent = 0;
        _harness.Heads.Script("hostile", _ => Endless());
        _harness.Heads.Script("honest", _ => new GenerationEvent[] { new GenerationStarted(3), End(0, 1 << 22) }.ToAsyncEnumerable());
        Assert.IsType<GenerationFinished>((await _harness.RunAsync())[^1]);
        Assert.InRange(sent, 1, 70);

        async IAsyncEnumerable<GenerationEvent> Endless()
        {
            await Task.Yield();
            yield return new GenerationStarted(3);
            for (; sent < 1000; sent++)
                yield return Delta(0, "", new int[64 * 1024]);
        }
    }
}
