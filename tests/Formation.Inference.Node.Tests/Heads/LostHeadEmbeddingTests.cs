using Formation.Inference.Cluster.Routing;
using Formation.Inference.Node.Heads;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Node.Tests.Heads;

/// <summary>Vectors over real connections, with heads that are lost, refuse or lie.</summary>
public sealed class LostHeadEmbeddingTests : IAsyncDisposable
{
    readonly TinyServer[] _servers = [new(contextLength: 192), new(contextLength: 192)];

    static EmbeddingRequest Request { get; } = TinyServer.Embedding([.. Enumerable.Range(0, 60).Select(i => $"{i} is a number, and not a small one {i}")]);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    static async Task<float[][]> RunAsync(IInferenceBackend backend, EmbeddingRequest? request = null)
    {
        var outcome = await backend.EmbedAsync(request ?? Request, TestContext.Current.CancellationToken);
        Assert.Null(outcome.Error);
        return [.. outcome.Value!.Inputs.Select(input => input.Values)];
    }

    static EmbeddingAnswer Answer(params float[][] vectors) => new([.. vectors.Select(values => new InputEmbedding(1, values.Length, values))]);

    static EmbeddingRequest Texts(int count) => TinyServer.Embedding([.. Enumerable.Repeat("x", count)]);

    [Fact]
    public async Task A_head_that_is_cut_off_or_leaves_while_it_computes_changes_no_vector()
    {
        var expected = await RunAsync(_servers[0].Backend);
        for (var round = 0; round < 6; round++)
        {
            HeadNetwork? network = null;
            var calls = 0;
            var backends = _servers.Select(server => new FakeBackend
            {
                Embedder = async (request, cancellationToken) =>
                {
                    var outcome = await server.Backend.EmbedAsync(request, cancellationToken);
                    if (Interlocked.Increment(ref calls) > 1)
                        return outcome;
                    if (round % 2 == 0)
                        network!.CutAll();
                    else
                        network!.Heads.First(head => head.Server.RunningRequests > 0).Server.Leave();
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                    return outcome;
                },
            });
            await using (network = new HeadNetwork([.. backends]))
                Assert.Equal(expected, await RunAsync(network.Backend));
            Assert.Equal(2, calls);
        }
    }

    [Fact]
    public async Task An_answer_of_many_parts_arrives_whole()
    {
        float[][] vectors = [.. Enumerable.Range(0, 3).Select(i => Enumerable.Range(0, 200_001).Select(j => (float)(i + j)).ToArray())];
        await using var network = new HeadNetwork([new FakeBackend { Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(Answer(vectors)) }]);
        Assert.Equal(vectors, await RunAsync(network.Backend, Texts(3)));
        Assert.Equal(vectors, await RunAsync(network.Backend, Texts(3)));
        Assert.Equal(1, network.Heads[0].OpenConnections);
    }

    [Fact]
    public async Task A_head_that_sends_something_else_than_was_asked_for_is_lost_and_the_next_one_asked()
    {
        foreach (var lie in (EmbeddingAnswer[])[Answer([1]), Answer([1], [2], [3]), Answer([1], [2, 3]), Answer([1], [float.NaN])])
        {
            var calls = 0;
            var backends = Enumerable.Range(0, 2).Select(_ => new FakeBackend
            {
                Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(Interlocked.Increment(ref calls) == 1 ? lie : Answer([1], [2])),
            });
            await using var network = new HeadNetwork([.. backends]);
            Assert.Equal([[1], [2]], await RunAsync(network.Backend, Texts(2)));
            Assert.Equal(2, calls);
        }
    }

    [Fact]
    public async Task A_refusal_arrives_with_all_that_it_says_and_the_connection_is_used_again()
    {
        var error = new GenerationError(GenerationErrorKind.InvalidRequest, "too wide") { Parameter = nameof(EmbeddingRequest.Dimensions) };
        var backend = new FakeBackend { Embedder = (_, _) => Task.FromResult<Outcome<EmbeddingAnswer>>(error) };
        await using var network = new HeadNetwork([backend]);
        for (var i = 0; i < 3; i++)
            Assert.Equal(error, (await network.Backend.EmbedAsync(Request, TestContext.Current.CancellationToken)).Error);
        Assert.Equal(1, network.Heads[0].OpenConnections);
        Assert.Equal(Request.Inputs.Count, backend.LastEmbedding!.Inputs.Count);
    }

    [Fact]
    public async Task A_fault_of_the_head_is_no_answer_and_its_text_goes_nowhere()
    {
        await using var network = new HeadNetwork([new FakeBackend()]);
        var fault = await Assert.ThrowsAsync<HeadLostException>(() => network.Client.EmbedAsync(network.Heads[0].Replica, Request, default));
        Assert.Equal((HeadLoss.Failed, nameof(InvalidOperationException)), (fault.Loss, fault.Message));
    }

    [Fact]
    public async Task A_request_that_is_larger_than_a_frame_is_refused_before_it_is_sent()
    {
        await using var network = new HeadNetwork([new FakeBackend()]);
        var outcome = await network.Backend.EmbedAsync(
            TinyServer.Embedding(new string('x', 33 << 20)), TestContext.Current.CancellationToken);
        Assert.Equal((GenerationErrorKind.InvalidRequest, "Inputs"), (outcome.Error!.Kind, outcome.Error.Parameter));
        Assert.Equal(0, network.Heads[0].OpenConnections);
    }
}
