using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing;

namespace Formation.Inference.Cluster.Tests.Routing;

/// <summary>Whom a gateway asks for vectors, and when it asks somebody else.</summary>
public sealed class ClusterEmbeddingTests : IDisposable
{
    readonly ClusterBackendHarness _harness = new("a", "b", "c");

    ScriptedHeads Heads => _harness.Heads;

    static EmbeddingRequest Request { get; } = new()
    {
        RequestId = "request",
        ModelId = ClusterBackendHarness.Model,
        AccountId = "account",
        Inputs = [new TextPrompt("one"), new TextPrompt("two")],
    };

    public void Dispose() => _harness.Dispose();

    async Task<Outcome<EmbeddingAnswer>> RunAsync(EmbeddingRequest? request = null)
    {
        var running = _harness.Backend.EmbedAsync(request ?? Request, CancellationToken.None);
        await Eventually.TrueAsync(() =>
        {
            if (!running.IsCompleted && _harness.Table.Waiting > 0)
                _harness.Clock.Advance(TimeSpan.FromMilliseconds(50));
            return running.IsCompleted;
        });
        Assert.Equal((0, 0), (new[] { "a", "b", "c" }.Sum(_harness.Backend.RequestsInFlight), Heads.Open));
        return await running;
    }

    async Task AssertVectorsAsync()
    {
        var outcome = await RunAsync();
        Assert.Null(outcome.Error);
        Assert.Equal([0, 1], outcome.Value!.Inputs.Select(input => input.Values[0]));
    }

    [Fact]
    public async Task A_request_that_meets_no_trouble_is_asked_of_one_head()
    {
        await AssertVectorsAsync();
        Assert.Equal(["a"], _harness.Asked);
    }

    [Theory]
    [InlineData(HeadLoss.Unreachable)]
    [InlineData(HeadLoss.Broken)]
    [InlineData(HeadLoss.Silent)]
    [InlineData(HeadLoss.Leaving)]
    [InlineData(HeadLoss.Failed)]
    [InlineData(HeadLoss.Untrusted)]
    public async Task When_a_head_is_lost_another_one_computes_all_anew(HeadLoss loss)
    {
        Heads.Lose("a", loss, request => ScriptedHeads.Honest(request).Take(3));
        await AssertVectorsAsync();
        Assert.Equal(["a", "b"], _harness.Asked);
    }

    [Theory]
    [InlineData(GenerationErrorKind.QueueFull)]
    [InlineData(GenerationErrorKind.ModelUnavailable)]
    [InlineData(GenerationErrorKind.ShuttingDown)]
    [InlineData(GenerationErrorKind.ModelNotFound)]
    [InlineData(GenerationErrorKind.Internal)]
    public async Task What_only_one_head_says_is_asked_of_another(GenerationErrorKind kind)
    {
        Heads.Fail("a", kind);
        await AssertVectorsAsync();
        Assert.Equal(["a", "b"], _harness.Asked);
    }

    [Theory]
    [InlineData(GenerationErrorKind.InvalidRequest)]
    [InlineData(GenerationErrorKind.ContextLengthExceeded)]
    public async Task An_answer_is_passed_on_and_nobody_else_is_asked(GenerationErrorKind kind)
    {
        Heads.Fail("a", kind);
        Assert.Equal($"scripted {kind}", (await RunAsync()).Error!.Message);
        Assert.Equal(["a"], _harness.Asked);
    }

    [Fact]
    public async Task Where_all_queues_are_full_that_is_the_answer()
    {
        foreach (var id in (string[])["a", "b", "c"])
            Heads.Fail(id, GenerationErrorKind.QueueFull);
        Assert.Equal(GenerationErrorKind.QueueFull, (await RunAsync()).Error!.Kind);
        Assert.Equal(["a", "b", "c"], _harness.Asked);
    }

    [Fact]
    public async Task A_request_that_ends_one_head_after_the_other_is_given_up()
    {
        foreach (var id in (string[])["a", "b", "c"])
            Heads.Lose(id, HeadLoss.Broken);
        var error = (await RunAsync()).Error!;
        Assert.Equal(GenerationErrorKind.Internal, error.Kind);
        Assert.Equal(["a", "b"], _harness.Asked);
    }

    [Fact]
    public async Task A_model_that_is_not_deployed_does_not_exist()
    {
        var error = (await RunAsync(Request with { ModelId = "other" })).Error!;
        Assert.Equal((GenerationErrorKind.ModelNotFound, nameof(EmbeddingRequest.ModelId)), (error.Kind, error.Parameter));
    }

    [Fact]
    public async Task Cancelling_ends_the_work_on_the_head()
    {
        Heads.Script("a", (_, cancellationToken) => Never(cancellationToken));
        using var cancellation = new CancellationTokenSource();
        var running = _harness.Backend.EmbedAsync(Request, cancellation.Token);
        await Eventually.TrueAsync(() => Heads.Open == 1);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal((0, 0), (_harness.Backend.RequestsInFlight("a"), Heads.Open));

        static async IAsyncEnumerable<GenerationEvent> Never(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield break;
        }
    }
}
