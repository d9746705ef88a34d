using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Cluster.Weights.Wire;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>Nodes that fetch weights from a gateway's real control port.</summary>
public sealed class WeightServiceTests : IAsyncLifetime
{
    private static readonly ModelPart Part = new(new LayerRange(1, 1), HasEnds: false);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 23, 6, 0, 0, TimeSpan.Zero));
    private readonly TemporaryDirectory _folder = new();
    private ModelFiles _model = null!;
    private TestControlPlane _gateway = null!;
    private RawNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        TinyModel.Build(_folder.File("model.gguf"), TinyModelOptions.Llama with { LayerCount = 4, FeedForwardSize = 2048, MatrixType = TensorType.Q8_0 });
        var (manifest, paths) = await ManifestBuilder.BuildAsync(_folder.File("model.gguf"));
        _model = ModelFiles.Open(manifest, paths);
        _gateway = await TestControlPlane.StartAsync(_clock, digest => digest == manifest.Digest ? _model : null);
        _node = new RawNode(_gateway, _clock);
        await _node.JoinAsync(_gateway.Token(), "node");
    }

    public async ValueTask DisposeAsync()
    {
        _node.Dispose();
        await _gateway.DisposeAsync();
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_node_fetches_the_chunks_of_its_part_and_no_others()
    {
        using var source = Source();
        using var fetched = await FetchAsync(source);
        Assert.Equal(fetched.BytesNeeded, fetched.Counters.ChunkBytesReceived);
        Assert.True(fetched.BytesNeeded < _model.Manifest.TotalBytes * 3 / 4);
        Assert.Equal(fetched.BytesNeeded + _model.Manifest.Bytes.Length, fetched.Counters.BytesBySource[source.Name]);

        using var all = await FetchAsync(source, ModelPart.Whole);
        Assert.Equal(File.ReadAllBytes(_model.Paths[0]), File.ReadAllBytes(all.Path));
        Assert.Equal(_model.Manifest.TotalBytes, fetched.Counters.ChunkBytesReceived + all.Counters.ChunkBytesReceived);
    }

    [Fact]
    public async Task A_certificate_that_was_never_admitted_gets_no_weights_and_is_told()
    {
        using var stranger = new RawNode(_gateway, _clock);
        using var source = new GatewayChunkSource(stranger.Identity, _gateway.Url, _gateway.Plane.Pin, _clock);
        var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadManifestAsync(_model.Manifest.Digest, default));
        Assert.Equal(ChunkSourceFault.Refused, error.Fault);
        Assert.Contains("admitted", error.Message);
    }

    [Fact]
    public async Task A_removed_node_gets_no_further_piece()
    {
        using var source = Source();
        var chunk = new byte[_model.Manifest.ChunkBytes];
        await source.ReadChunkAsync(_model.Manifest, 0, chunk, default);
        using var call = _node.Weights.ReadChunk(new ChunkRequest { Digest = _model.Manifest.Digest, Chunk = 1 });
        Assert.True(await call.ResponseStream.MoveNext());

        Assert.True(_gateway.Registry.Remove("node"));

        var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadChunkAsync(_model.Manifest, 1, chunk, default));
        Assert.Equal(ChunkSourceFault.Refused, error.Fault);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var bytes = call.ResponseStream.Current.Data.Length;
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
                bytes += call.ResponseStream.Current.Data.Length;
        });
        Assert.True(bytes < _model.Manifest.ChunkBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_model_that_is_not_served_is_refused_in_words(string digest)
    {
        var refusal = await RefusalAsync(_node.Weights.ReadManifest(new ManifestRequest { Digest = digest }));
        Assert.Equal(RefusalReason.NotServed, refusal.Reason);
        Assert.Equal(RefusalReason.NotServed, (await RefusalAsync(_node.Weights.ReadChunk(new ChunkRequest { Digest = digest }))).Reason);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public async Task A_chunk_that_the_model_does_not_have_is_refused(int chunk)
    {
        var refusal = await RefusalAsync(_node.Weights.ReadChunk(new ChunkRequest { Digest = _model.Manifest.Digest, Chunk = chunk }));
        Assert.Equal(RefusalReason.BadMessage, refusal.Reason);
    }

    [Fact]
    public async Task A_file_that_changed_on_the_gateway_is_said_to_be_damaged_and_its_chunk_is_not_sent()
    {
        using (var file = File.OpenHandle(_model.Paths[0], access: FileAccess.ReadWrite, share: FileShare.ReadWrite))
            RandomAccess.Write(file, new byte[64], _model.Manifest.PlaceOf(2).Offset);
        using var source = Source();
        var error = await Assert.ThrowsAsync<ChunkSourceException>(() => source.ReadChunkAsync(_model.Manifest, 2, new byte[_model.Manifest.ChunkBytes], default));
        Assert.Equal(ChunkSourceFault.NotHeld, error.Fault);
        Assert.Contains("damaged", error.Message);
        await source.ReadChunkAsync(_model.Manifest, 3, new byte[_model.Manifest.ChunkBytes], default);
    }

    [Fact]
    public async Task More_calls_at_once_than_a_node_may_have_are_refused_as_busy_until_some_end()
    {
        // None of them is read, so none of them ends: a chunk is larger than what the transport takes in advance.
        var calls = Enumerable.Range(0, WeightLimits.CallsPerNode)
            .Select(_ => _node.Weights.ReadChunk(new ChunkRequest { Digest = _model.Manifest.Digest, Chunk = 0 })).ToList();
        foreach (var call in calls)
            Assert.True(await call.ResponseStream.MoveNext());
        var refusal = await RefusalAsync(_node.Weights.ReadChunk(new ChunkRequest { Digest = _model.Manifest.Digest, Chunk = 0 }));
        Assert.Equal(RefusalReason.Busy, refusal.Reason);

        calls.ForEach(call => call.Dispose());
        using var source = Source();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await source.ReadChunkAsync(_model.Manifest, 0, new byte[_model.Manifest.ChunkBytes], default);
                return true;
            }
            catch (ChunkSourceException busy) when (busy.Fault == ChunkSourceFault.Unreachable)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task A_node_that_does_not_read_loses_its_call()
    {
        using var call = _node.Weights.ReadChunk(new ChunkRequest { Digest = _model.Manifest.Digest, Chunk = 0 });
        Assert.True(await call.ResponseStream.MoveNext());
        _clock.Advance(WeightLimits.Patience + TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        }).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_gateway_that_is_gone_is_unreachable_and_a_fetch_goes_on_when_it_is_back()
    {
        var port = _gateway.Plane.Endpoint.Port;
        using var source = Source();
        (await FetchAsync(source)).Dispose();
        await _gateway.StopAsync();
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => FetchAsync(source, ModelPart.Whole));
        Assert.Contains("the gateway at", error.Message);
        await _gateway.RunAsync(port);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var fetched = await FetchAsync(source, ModelPart.Whole);
                return File.ReadAllBytes(_model.Paths[0]).AsSpan().SequenceEqual(File.ReadAllBytes(fetched.Path));
            }
            catch (WeightFetchException)
            {
                return false;
            }
        });
    }

    private GatewayChunkSource Source() => new(_node.Identity, _gateway.Url, _gateway.Plane.Pin, _clock);

    private Task<HeldWeights> FetchAsync(IChunkSource source, Func<ModelConfig, ModelPart>? part = null) =>
        new WeightFetcher(
            new WeightStore(_folder.File("store"), TimeProvider.System), new FetchOptions { FirstPause = TimeSpan.FromMilliseconds(1) }, TimeProvider.System)
            .EnsureAsync(new WeightRequest(_model.Manifest.Digest, part ?? (_ => Part)) { Sources = [source] });

    private static async Task<Refusal> RefusalAsync(AsyncServerStreamingCall<Piece> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        }).WaitAsync(TimeSpan.FromSeconds(60));
        return Cluster.Nodes.Control.Refusals.From(error) ?? throw new InvalidOperationException(error.ToString());
    }
}
